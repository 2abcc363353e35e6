from __future__ import annotations

import pytest

from opennebula_core.errors import DriverError
from opennebula_im_ssh.answer import Answer
from opennebula_im_ssh.facts import facts


def test_a_recorded_host_has_its_attributes(recorded: str) -> None:
    attributes = dict(facts(Answer(recorded, "--mark")))
    machines, models = attributes.pop("KVM_MACHINES"), attributes.pop("KVM_CPU_MODELS")
    assert attributes == {
        "ARCH": "x86_64",
        "HOSTNAME": "host1",
        "HYPERVISOR": "kvm",
        "MODELNAME": "AMD EPYC",
        "CPUSPEED": "2596",
        "VERSION": "0.1.0",
        "LIBVIRT_VERSION": "9.0.0",
        "QEMU_VERSION": "7.2.22",
        "NFT": "NO",
        "KVM_OFFERED": "NO",
        "KVM_CPU_MODEL": "EPYC",
    }
    assert {"pc", "q35", "pc-q35-7.2"} <= set(machines.split())
    assert {"qemu64", "kvm64", "Westmere"} <= set(models.split())


def test_libvirt_that_offers_kvm_is_seen(recorded: str) -> None:
    offering = recorded.replace("<domain type='qemu'/>", "<domain type='qemu'/><domain type='kvm'/>")
    assert dict(facts(Answer(offering, "--mark")))["KVM_OFFERED"] == "YES"


def test_a_host_says_whether_it_can_filter_packets(recorded: str) -> None:
    able = recorded.replace("--mark version", "--mark programs\n/usr/sbin/nft\n--mark version")
    assert dict(facts(Answer(able, "--mark")))["NFT"] == "YES"


def test_the_highest_speed_wins_over_the_present_one(recorded: str) -> None:
    known = recorded.replace("cpu MHz", "max kHz : 3500000\ncpu MHz")
    assert dict(facts(Answer(known, "--mark")))["CPUSPEED"] == "3500"


def test_what_a_host_does_not_say_is_left_out(recorded: str) -> None:
    silent = recorded.replace("model name", "name").replace("Running hypervisor", "Hypervisor")
    attributes = dict(facts(Answer(silent, "--mark")))
    assert "MODELNAME" not in attributes
    assert "QEMU_VERSION" not in attributes


def test_control_characters_do_not_get_through(recorded: str) -> None:
    hostile = recorded.replace("AMD EPYC", 'AMD\x1b[2J" ]\x07EPYC')
    assert dict(facts(Answer(hostile, "--mark")))["MODELNAME"] == 'AMD[2J" ]EPYC'


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<capabilities>", "<!DOCTYPE x [<!ENTITY a 'b'>]><capabilities>"),
        ("<capabilities>", "<capabilities>" + "<a>" * 100),
        ("\nx86_64\nhost1\n", "\nx86_64\n$(reboot)\n"),
        ("\nx86_64\nhost1\n", "\nx86_64\n"),
    ],
    ids=["doctype", "not well-formed", "hostile name", "no name"],
)
def test_what_no_host_says_is_refused(recorded: str, old: str, new: str) -> None:
    assert old in recorded
    with pytest.raises(DriverError, match="read what the probe found: section"):
        facts(Answer(recorded.replace(old, new, 1), "--mark"))
