from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from xml.etree.ElementTree import Element

import pyone
import pytest

from opennebula_core.errors import AuthorizationError, ParameterError
from opennebula_core.managers.accounting.showback import Month, costs_of
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.testing.cloud import ADMIN, Cloud, running_cloud

ALICE = "alice:pw"
HOUR_S = 3600
PRICED = (
    "CPU=2\nMEMORY=1024\nCPU_COST=3\nMEMORY_COST=0.01\nDISK_COST=0.002\nDISK=[TYPE=fs,SIZE=500,FORMAT=raw]\n"
)
FIRST = Month(2026, 3)


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[Cloud]:
    """Run a cloud whose clock stands at the beginning of a month, with a host."""
    async with running_cloud(tmp_path, settings="[showback]\ncpu_cost = 1.0\n") as cloud:
        cloud.clock.advance(FIRST.start - cloud.clock())
        yield cloud


async def records(cloud: Cloud, *months: int, flag: int = -2, session: str = ADMIN) -> list[Element]:
    numbers = months or (-1, -1, -1, -1)
    return (await cloud.document("one.vmpool.showback", flag, *numbers, session=session)).findall("SHOWBACK")


def figures(record: Element) -> dict[str, float]:
    return {
        name: float(record.findtext(name, ""))
        for name in ("CPU_COST", "MEMORY_COST", "DISK_COST", "TOTAL_COST", "HOURS", "RHOURS")
    }


async def run(cloud: Cloud, host_id: int, template: str) -> int:
    vm_id = await cloud.new("one.vm.allocate", template, True)
    await cloud.call("one.vm.deploy", vm_id, host_id)
    await cloud.settle(vm_id, LcmState.RUNNING)
    return vm_id


async def off_for(cloud: Cloud, vm_id: int, hours: float) -> None:
    await cloud.act("poweroff-hard", vm_id)
    await cloud.settle(vm_id, VmState.POWEROFF)
    cloud.clock.advance(hours * HOUR_S)


async def test_processors_and_memory_cost_while_the_guest_runs_and_disks_always(cloud: Cloud) -> None:
    vm_id = await run(cloud, await cloud.add_host("h1"), PRICED)
    cloud.clock.advance(10 * HOUR_S)
    await off_for(cloud, vm_id, 5)
    assert await cloud.call("one.vmpool.calculateshowback", -1, -1, -1, -1) == ""
    (record,) = await records(cloud)
    assert [record.findtext(name) for name in ("VMID", "YEAR", "MONTH", "UNAME")] == [
        str(vm_id), "2026", "3", "oneadmin",
    ]  # fmt: skip
    shown = figures(record)
    assert shown["RHOURS"] == pytest.approx(10)
    assert shown["HOURS"] == pytest.approx(15)
    assert shown["CPU_COST"] == pytest.approx(10 * 2 * 3)
    assert shown["MEMORY_COST"] == pytest.approx(10 * 1024 * 0.01)
    assert shown["DISK_COST"] == pytest.approx(15 * 500 * 0.002)
    assert shown["TOTAL_COST"] == pytest.approx(60 + 102.4 + 15)


async def test_a_stay_over_the_end_of_a_month_is_split_there(cloud: Cloud) -> None:
    host_id = await cloud.add_host("h1")
    cloud.clock.advance(FIRST.following.start - cloud.clock() - 6 * HOUR_S)
    await run(cloud, host_id, "CPU=1\nMEMORY=1\n")
    cloud.clock.advance(8 * HOUR_S)
    await cloud.call("one.vmpool.calculateshowback", -1, -1, -1, -1)
    march, april = await records(cloud)
    assert (march.findtext("MONTH"), april.findtext("MONTH")) == ("3", "4")
    assert (figures(march)["CPU_COST"], figures(april)["CPU_COST"]) == (6, 2)  # at the configured price
    assert len(await records(cloud, 4, 2026, 4, 2026)) == 1
    assert len(await records(cloud, -1, -1, 3, 2026)) == 1
    assert await records(cloud, 5, 2026, -1, -1) == []


async def test_a_month_that_is_calculated_again_is_replaced(cloud: Cloud) -> None:
    await cloud.run_vm(await cloud.add_host("h1"))
    for hours in (1, 2):
        cloud.clock.advance(HOUR_S)
        await cloud.call("one.vmpool.calculateshowback", 3, 2026, 3, 2026)
        assert [figures(record)["HOURS"] for record in await records(cloud)] == [hours]


async def test_months_before_the_first_stay_cost_no_time(cloud: Cloud) -> None:
    settings = cloud.daemon.config.showback
    asked = (Month(1970, 1), Month(9999, 12), settings)
    assert len(cloud.daemon.store.read(lambda tx: costs_of(tx, *asked))) <= 1  # there is none at all
    await cloud.run_vm(await cloud.add_host("h1"))
    cloud.clock.advance(40 * 24 * HOUR_S)

    found = cloud.daemon.store.read(lambda tx: costs_of(tx, *asked))

    assert list(found) == [FIRST, FIRST.following]
    assert all(found.values())


async def test_people_see_what_they_may_use_and_administrators_calculate(cloud: Cloud) -> None:
    await cloud.new("one.user.allocate", "alice", "pw", "", [])
    await cloud.run_vm(await cloud.add_host("h1"))
    cloud.clock.advance(HOUR_S)
    await cloud.call("one.vmpool.calculateshowback", -1, -1, -1, -1)
    assert len(await records(cloud)) == 1
    assert await records(cloud, session=ALICE) == []
    with pytest.raises(AuthorizationError):
        await cloud.call("one.vmpool.calculateshowback", -1, -1, -1, -1, session=ALICE)


async def test_a_month_that_is_none_is_refused(cloud: Cloud) -> None:
    with pytest.raises(ParameterError, match="Wrong month 13 of year 2026"):
        await cloud.call("one.vmpool.showback", -2, 13, 2026, -1, -1)
    with pytest.raises(ParameterError, match="Wrong month 1 of year 12"):
        await cloud.call("one.vmpool.calculateshowback", 1, 12, -1, -1)


async def test_pyone_reads_the_records(cloud: Cloud) -> None:
    await run(cloud, await cloud.add_host("h1"), PRICED)
    cloud.clock.advance(HOUR_S)
    await cloud.call("one.vmpool.calculateshowback", -1, -1, -1, -1)

    def read() -> list[tuple[str, float]]:
        with pyone.OneServer(cloud.endpoint, session=ADMIN) as one:
            return [(row.VMNAME, row.CPU_COST) for row in one.vmpool.showback(-2, -1, -1, -1, -1).SHOWBACK]

    assert await asyncio.to_thread(read) == [("one-0", 6.0)]


def test_december_is_followed_by_january() -> None:
    assert Month(2026, 12).following == (2027, 1)
    assert Month.of(Month(2027, 1).start - 1) == (2026, 12)
    assert time.localtime(Month(2026, 7).start)[:6] == (2026, 7, 1, 0, 0, 0)
