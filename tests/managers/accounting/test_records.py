from __future__ import annotations

import asyncio
from xml.etree.ElementTree import Element

import pyone
import pytest

from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import ParameterError
from opennebula_core.model.states import HistoryAction, LcmState, VmState
from opennebula_core.testing.cloud import ADMIN, Cloud

ALICE = "alice:pw"


async def records(
    cloud: Cloud, start: int = -1, end: int = -1, flag: int = -2, session: str = ADMIN
) -> list[Element]:
    document = await cloud.document("one.vmpool.accounting", flag, start, end, session=session)
    assert document.tag == "HISTORY_RECORDS"
    return document.findall("HISTORY")


async def moved(cloud: Cloud) -> tuple[int, list[int]]:
    """Return a VM that ran for 100 s, was moved, ran for 50 s more and was ended; and its moments."""
    hosts = [await cloud.add_host(name) for name in ("h1", "h2")]
    began = int(cloud.clock())
    vm_id = await cloud.run_vm(hosts[0])
    cloud.clock.advance(100)
    await cloud.call("one.vm.migrate", vm_id, hosts[1], True)
    await cloud.settle(vm_id, LcmState.RUNNING)
    cloud.clock.advance(50)
    await cloud.act("terminate-hard", vm_id)
    await cloud.settle(vm_id, VmState.DONE)
    return vm_id, [began, began + 100, began + 150]


async def test_each_stay_is_a_record_with_its_vm(front_end: Cloud) -> None:
    vm_id, (began, went, ended) = await moved(front_end)
    first, second = await records(front_end)
    assert [record.findtext("OID") for record in (first, second)] == [str(vm_id)] * 2
    assert [record.findtext("SEQ") for record in (first, second)] == ["0", "1"]
    assert [record.findtext("HOSTNAME") for record in (first, second)] == ["h1", "h2"]
    assert (first.findtext("STIME"), first.findtext("ETIME")) == (str(began), str(went))
    assert (second.findtext("STIME"), second.findtext("ETIME")) == (str(went), str(ended))
    assert first.findtext("ACTION") == str(int(HistoryAction.LIVE_MIGRATE))
    vm = first.find("VM")
    assert vm is not None
    assert vm.findtext("TEMPLATE/MEMORY") == "64"
    assert vm.findtext("UNAME") == "oneadmin"
    assert [len(found) for found in vm.iter("HISTORY_RECORDS")] == [0]


async def test_a_period_has_the_stays_that_it_meets(front_end: Cloud) -> None:
    _, (began, went, ended) = await moved(front_end)

    async def seqs(start: int, end: int) -> list[str | None]:
        return [record.findtext("SEQ") for record in await records(front_end, start, end)]

    assert await seqs(-1, began - 1) == []
    assert await seqs(-1, began) == ["0"]
    assert await seqs(went + 1, -1) == ["1"]
    assert await seqs(began + 10, went - 10) == ["0"]
    assert await seqs(ended + 1, -1) == []


async def test_a_record_has_the_capacity_of_its_time(front_end: Cloud) -> None:
    vm_id, _ = await moved(front_end)

    def was_smaller(tx: Transaction) -> None:
        tx.execute(
            "UPDATE history SET cpu_percent = 25, memory_mib = 32 WHERE vm_id = ? AND seq = 0", (vm_id,)
        )

    await front_end.daemon.store.write(was_smaller)
    first, second = await records(front_end)
    assert [first.findtext(f"VM/TEMPLATE/{name}") for name in ("CPU", "MEMORY")] == ["0.25", "32"]
    assert [second.findtext(f"VM/TEMPLATE/{name}") for name in ("CPU", "MEMORY")] == ["0.5", "64"]


async def test_people_see_the_records_of_what_they_may_use(front_end: Cloud) -> None:
    await front_end.new("one.user.allocate", "alice", "pw", "", [])
    await moved(front_end)
    assert await records(front_end, session=ALICE) == []
    assert len(await records(front_end, flag=0)) == 2
    assert await records(front_end, flag=1) == []
    with pytest.raises(ParameterError, match="Incorrect filter_flag"):
        await records(front_end, flag=-5)


async def test_pyone_reads_the_records(front_end: Cloud) -> None:
    await moved(front_end)

    def read() -> list[tuple[int, str, str]]:
        with pyone.OneServer(front_end.endpoint, session=ADMIN) as one:
            rows = one.vmpool.accounting(-2, -1, -1).HISTORY
            return [(row.SEQ, row.HOSTNAME, row.VM.NAME) for row in rows]

    assert await asyncio.to_thread(read) == [(0, "h1", "one-0"), (1, "h2", "one-0")]
