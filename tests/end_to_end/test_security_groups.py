"""Rules of security groups on a real guest: from its first packet on, changed, and after a live migration."""

from __future__ import annotations

import socket
from contextlib import suppress
from datetime import timedelta

import pytest

from opennebula_core.model.states import LcmState, VmState
from opennebula_core.testing.kvmlab.lab import wait_until
from tests.end_to_end.estate import Estate

pytestmark = pytest.mark.integration

HTTP, ECHO = 80, 7
LIMIT = timedelta(seconds=30)
RULE = 'RULE=[PROTOCOL="TCP",RULE_TYPE="inbound",RANGE="{0}"]'


def reached(estate: Estate, vm_id: int) -> list[int]:
    """Return the guest's ports that answer."""
    found = []
    for port in (HTTP, ECHO):
        with suppress(OSError), socket.create_connection((estate.address(vm_id), port), timeout=1.5):
            found.append(port)
    return found


def filters(estate: Estate, vm_id: int) -> list[str]:
    """Return the hosts that have a filter of the guest's NIC."""
    rulesets = {host: estate.lab.exec(host, ["nft", "list", "ruleset"]) for host in estate.lab.hosts}
    return [host for host, text in rulesets.items() if f"one-{vm_id}-0" in text]


def test_a_guest_gets_what_its_group_lets_through_and_takes_that_along(estate: Estate) -> None:
    group_id = int(estate.cloud.call("one.secgroup.allocate", f"NAME=web\n{RULE.format(HTTP)}"))
    estate.cloud.call("one.vn.update", estate.network_id, f'SECURITY_GROUPS="{group_id}"', 1)
    vm_id = estate.instantiate("closed")
    estate.cloud.wait_for_vm(vm_id, VmState.ACTIVE, LcmState.RUNNING)
    assert estate.wait_for_answer(vm_id)["hostname"] == "closed"
    assert reached(estate, vm_id) == [HTTP]
    assert filters(estate, vm_id) == [estate.host_of(vm_id)]

    estate.cloud.call("one.secgroup.update", group_id, RULE.format(ECHO), 0)
    wait_until(lambda: reached(estate, vm_id) == [ECHO], "the new rule to be in force", LIMIT)

    host_id, there = estate.other_host(vm_id)
    estate.cloud.call("one.vm.migrate", vm_id, host_id, True, False, -1, 0)
    estate.cloud.wait_for_running(vm_id)
    assert (estate.host_of(vm_id), filters(estate, vm_id)) == (there, [there])
    wait_until(lambda: reached(estate, vm_id) == [ECHO], "the guest to answer there", LIMIT)

    estate.action("terminate-hard", vm_id)
    estate.cloud.wait_for_vm(vm_id, VmState.DONE)
    assert estate.nothing_is_left()
    assert filters(estate, vm_id) == []
