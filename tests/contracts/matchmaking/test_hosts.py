from __future__ import annotations

import pytest

from opennebula_core.contracts.matchmaking import hosts
from opennebula_core.contracts.matchmaking.hosts import HostFilter
from opennebula_core.contracts.matchmaking.matching import Matcher
from opennebula_core.contracts.scheduler import HostView, PendingVm, Round
from opennebula_core.model.states import HostState
from opennebula_core.testing.scheduler import GIB, make_cloud, make_host, make_vm


def condition(vm: PendingVm, host: HostView) -> str | None:
    round = Round(make_cloud([vm], [host]), [vm])
    return HostFilter(Matcher()).filter(vm, [host], round).rejected.get(host.id)


@pytest.mark.parametrize(
    ("vm", "host", "expected"),
    [
        (make_vm(0), make_host(0), None),
        (make_vm(0, resched_from=0), make_host(0), hosts.CURRENT_HOST),
        (make_vm(0), make_host(0, state=HostState.OFFLINE), hosts.NOT_ENABLED),
        (make_vm(0, automatic_requirements="ID = 9"), make_host(0), hosts.AUTOMATIC),
        (make_vm(0, requirements="ID = 9"), make_host(0), hosts.REQUIREMENTS),
        (make_vm(0, cpu_percent=401), make_host(0), hosts.CPU),
        (make_vm(0, memory_kib=9 * GIB), make_host(0), hosts.MEMORY),
    ],
    ids=["fits", "current host", "offline", "automatic", "requirements", "cpu", "memory"],
)
def test_a_host_is_rejected_for_the_test_it_fails(
    vm: PendingVm, host: HostView, expected: str | None
) -> None:
    assert condition(vm, host) == expected


def test_only_the_first_failed_test_is_said() -> None:
    vm = make_vm(0, cpu_percent=9999, requirements="ID = 9")
    assert condition(vm, make_host(0, state=HostState.ERROR)) == hosts.NOT_ENABLED


def test_hosts_without_room_are_suitable_all_the_same() -> None:
    vm, host = make_vm(0, cpu_percent=9999), make_host(0)
    suitable, rejected = HostFilter(Matcher()).suitable(vm, [host], Round(make_cloud([vm], [host]), [vm]))
    assert list(suitable) == [host]
    assert not rejected
