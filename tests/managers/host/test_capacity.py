from __future__ import annotations

import pytest

from opennebula_core.dummy.im import TOTAL_CPU, TOTAL_MEMORY_KIB
from opennebula_core.errors import ActionError
from opennebula_core.managers.host.capacity import reserved
from opennebula_core.testing.cloud import Cloud as FrontEnd


@pytest.mark.parametrize(
    ("text", "total", "taken"),
    [
        ("", 800, 0),
        ("200", 800, 200),
        ("-200", 800, -200),
        ("10%", 800, 80),
        ("-50%", 800, -400),
        (" 12.5 % ", 800, 100),
        ("much", 800, 0),
        ("inf", 800, 0),
        ("nan%", 800, 0),
    ],
)
def test_a_reservation_is_a_number_or_a_part(text: str, total: int, taken: int) -> None:
    assert reserved(text, total) == taken


@pytest.mark.parametrize(
    ("reservation", "cpu", "memory_kib"),
    [
        ('RESERVED_CPU="100"\nRESERVED_MEM="1048576"', TOTAL_CPU - 100, TOTAL_MEMORY_KIB - 1048576),
        ('RESERVED_CPU="-800"\nRESERVED_MEM="-100%"', 2 * TOTAL_CPU, 2 * TOTAL_MEMORY_KIB),
        ('RESERVED_CPU="25%"', TOTAL_CPU * 3 // 4, TOTAL_MEMORY_KIB),
    ],
)
async def test_what_a_host_reserves_counts_at_once(
    front_end: FrontEnd, reservation: str, cpu: int, memory_kib: int
) -> None:
    host_id = await front_end.add_host("h1", reservation)
    host = front_end.host(host_id)
    assert (host.max_cpu, host.max_mem) == (cpu, memory_kib)
    assert (host.total_cpu, host.total_mem) == (TOTAL_CPU, TOTAL_MEMORY_KIB)


async def test_a_cluster_reserves_for_its_hosts_but_a_hosts_own_word_goes_before(front_end: FrontEnd) -> None:
    first, second = await front_end.add_host("h1"), await front_end.add_host("h2", 'RESERVED_CPU="10%"')
    await front_end.call("one.cluster.update", 0, 'RESERVED_CPU="-50%"', 1)
    await front_end.until(
        lambda: front_end.host(first).max_cpu == TOTAL_CPU * 3 // 2, "the cluster's reservation"
    )
    assert front_end.host(second).max_cpu == TOTAL_CPU * 9 // 10


async def test_an_enforced_deployment_needs_room_and_consolidation_makes_some(front_end: FrontEnd) -> None:
    host_id = await front_end.add_host("h1")
    vm_id = await front_end.new("one.vm.allocate", "CPU=9\nMEMORY=64\n", True)
    with pytest.raises(ActionError, match="does not have enough capacity"):
        await front_end.call("one.vm.deploy", vm_id, host_id, True, -1, "")
    assert front_end.host(host_id).cpu_usage == 0
    await front_end.call("one.host.update", host_id, 'RESERVED_CPU="-100%"', 1)
    await front_end.call("one.vm.deploy", vm_id, host_id, True, -1, "")
    assert front_end.host(host_id).cpu_usage == 900
