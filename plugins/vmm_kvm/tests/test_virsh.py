from __future__ import annotations

import pytest

from opennebula_core.errors import DriverError
from opennebula_core.remote import Completed
from opennebula_vmm_kvm.virsh import domain_name, reason_of


@pytest.mark.parametrize(
    ("completed", "reason"),
    [
        (
            Completed(
                1, "", "error: Failed to create domain from /dev/stdin\nerror: internal error: no disk\n\n"
            ),
            "Failed to create domain from /dev/stdin; no disk",
        ),
        (Completed(1, "", "error: twice\nerror: twice\n"), "twice"),
        (Completed(3, "", ""), "exit status 3"),
        (
            Completed(127, "", "sh: virsh: not found"),
            "sh: virsh: not found; install libvirt's clients on the host",
        ),
    ],
)
def test_what_virsh_says_becomes_one_line(completed: Completed, reason: str) -> None:
    assert reason_of(completed) == reason


@pytest.mark.parametrize(
    ("deploy_id", "name"), [("", "one-7"), ("-", "one-7"), ("one-9", "one-9"), ("a1b2-c3", "a1b2-c3")]
)
def test_a_domain_is_named_by_its_deploy_id(deploy_id: str, name: str) -> None:
    assert domain_name(deploy_id, 7) == name


@pytest.mark.parametrize("deploy_id", ["--all", "one 7", "one-7;reboot", "one-7\n"])
def test_a_deploy_id_that_is_no_name_is_an_error(deploy_id: str) -> None:
    with pytest.raises(DriverError, match="is no name of a domain"):
        domain_name(deploy_id, 7)
