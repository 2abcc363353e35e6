from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, fromstring, tostring

import pytest

from opennebula_core.contracts.vmm import Guest
from opennebula_core.model.template import Template
from opennebula_core.testing.kvmlab.lab import Lab
from opennebula_vmm_kvm.domain_xml import describe
from opennebula_vmm_kvm.options import merged_defaults

DIRECTORY = "/var/lib/one/datastores/0/7"
ALLOWED = 'TRUSTED_FOLDERS = "/k"\nOVMF_UEFIS = "/u/CODE.fd"'
NOW = datetime.fromtimestamp(1795328447, UTC)


class RecordedReport:
    """Keeps what an action reports."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def info(self, text: str) -> None:
        self._lines.append(f"I {text}")

    def warning(self, text: str) -> None:
        self._lines.append(f"W {text}")

    def error(self, text: str) -> None:
        self._lines.append(f"E {text}")

    def progress(self, done: int, total: int) -> None:
        self._lines.append(f"P {done} {total}")


@pytest.fixture
def reported() -> list[str]:
    """Return the lines that the actions of this test report."""
    return []


@pytest.fixture
def make_guest(reported: list[str]) -> Callable[..., Guest]:
    """Return a maker of guests from templates; VM 7, as it is before its first deploy."""

    def make(template: str, *, host_template: str = "", name: str = "web", deploy_id: str = "") -> Guest:
        host = Element("HOST")
        host.append(fromstring(Template.parse(host_template).to_xml()))
        return Guest(
            vm_id=7,
            name=name,
            host="host1",
            deploy_id=deploy_id,
            directory=DIRECTORY,
            template=Template.parse(template),
            user_template=Template(),
            document=Element("VM"),
            datastore=Element("DATASTORE"),
            host_document=host,
            report=RecordedReport(reported),
        )

    return make


@pytest.fixture
def described(make_guest: Callable[..., Guest]) -> Callable[..., Element]:
    """Return a maker of domains from templates, parsed; MEMORY is there unless asked otherwise."""

    def make(
        template: str,
        *,
        defaults: str = ALLOWED,
        domain_type: str = "kvm",
        with_memory: bool = True,
        **more: str,
    ) -> Element:
        guest = make_guest(("MEMORY = 128\n" if with_memory else "") + template, **more)
        return fromstring(describe(guest, merged_defaults(defaults), domain_type=domain_type, now=NOW))

    return make


@pytest.fixture
def assert_valid(lab: Lab, described: Callable[..., Element]) -> Callable[[Iterable[str]], None]:
    """Return a check that a host's libvirt takes the domains of templates, by its schema and by its code."""

    def check(templates: Iterable[str]) -> None:
        for template in templates:
            domain = described(template, domain_type="qemu")
            # OpenNebula writes a second <devices>, which libvirt reads, but its schema does not know.
            first, *more = domain.findall("devices")
            for devices in more:
                first.extend(devices)
                domain.remove(devices)
            define = ["virsh", "-q", "-c", "qemu:///system", "define", "--validate", "/dev/stdin"]
            lab.exec("host1", define, stdin=tostring(domain))
            lab.virsh("host1", "undefine", "--nvram", "one-7")

    return check
