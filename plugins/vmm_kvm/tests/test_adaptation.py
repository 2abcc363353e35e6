from __future__ import annotations

from collections.abc import Callable
from xml.etree.ElementTree import Element, fromstring, tostring

import pytest

from opennebula_core.errors import DriverError
from opennebula_vmm_kvm.adaptation import buffered, emulated, is_kvm, relocated
from opennebula_vmm_kvm.domain_xml.sources import QEMU_NAMESPACE

Described = Callable[..., Element]


def text_of(domain: Element) -> str:
    return tostring(domain, encoding="unicode")


def test_what_kvm_alone_has_is_gone_under_emulation(described: Described) -> None:
    template = 'CPU_MODEL = [ MODEL = "host-passthrough" ]\nFEATURES = [ HYPERV = yes ]'
    raw = '\nRAW = [ TYPE = kvm, DATA = "<qemu:commandline/>" ]'

    domain = fromstring(emulated(text_of(described(template + raw))))

    assert domain.get("type") == "qemu"
    assert domain.find("cpu[@mode='maximum']") is not None
    assert domain.find("features/hyperv") is None
    assert domain.find("features/acpi") is not None
    assert domain.find("clock/timer[@name='hypervclock']") is None
    assert domain.find(f"{{{QEMU_NAMESPACE}}}commandline") is not None


def test_a_description_tells_whether_it_asks_for_kvm(described: Described) -> None:
    assert is_kvm(text_of(described("")))
    assert not is_kvm(text_of(described("", domain_type="qemu")))


def test_buffered_disks_keep_their_promise_about_flushes(described: Described) -> None:
    disks = (
        "DISK = [ DISK_ID = 0, TARGET = vda, IO = native ]\n"
        "DISK = [ DISK_ID = 1, TARGET = vdb, CACHE = directsync ]\n"
        "DISK = [ DISK_ID = 2, TARGET = vdc, CACHE = unsafe ]"
    )

    domain = fromstring(buffered(text_of(described(disks))))

    drivers = list(domain.iterfind("devices/disk/driver"))
    assert [driver.get("cache") for driver in drivers] == ["writeback", "writethrough", "unsafe"]
    assert drivers[0].get("io") is None


def test_a_saved_guest_finds_its_disks_in_another_folder(described: Described) -> None:
    saved = text_of(
        described("DISK = [ DISK_ID = 0, TARGET = vda ]\nCONTEXT = [ TARGET = hda, DISK_ID = 1 ]")
    )

    domain = fromstring(relocated(saved, "/srv/ds/101/7"))

    files = [source.get("file") for source in domain.iterfind("devices/disk/source")]
    assert files == ["/srv/ds/101/7/disk.0", "/srv/ds/101/7/disk.1"]


def test_a_saved_guest_whose_folder_is_the_same_is_left_as_it_was(described: Described) -> None:
    saved = text_of(described("DISK = [ DISK_ID = 0, TARGET = vda ]"))

    assert relocated(saved, "/var/lib/one/datastores/0/7") is saved


@pytest.mark.parametrize("text", ["", "<domain", "<network/>", "<!DOCTYPE domain><domain/>"])
def test_what_is_no_domain_is_an_error(text: str) -> None:
    with pytest.raises(DriverError, match="read the domain"):
        emulated(text)
