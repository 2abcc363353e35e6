from __future__ import annotations

import asyncio

import pyone
import pytest

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.errors import ParameterError
from opennebula_core.managers.monitoring import write_series
from opennebula_core.testing.cloud import ADMIN, Cloud

ALICE = "alice:pw"


async def keep(cloud: Cloud, kind: ObjectKind, object_id: int, *ages_s: int) -> None:
    """Put figures of some ages into the series."""
    samples = []
    for age_s in ages_s:
        moment = int(cloud.clock()) - age_s
        document = f"<MONITORING><ID>{object_id}</ID><TIMESTAMP>{moment}</TIMESTAMP></MONITORING>"
        samples.append((kind.value, object_id, moment, document))
    await cloud.daemon.store.write(lambda tx: write_series(tx, samples, 0))


async def ages(cloud: Cloud, method: str, *params: object, session: str = ADMIN) -> list[tuple[int, int]]:
    """Return the id and the age of each of the figures."""
    document = await cloud.document(method, *params, session=session)
    assert document.tag == "MONITORING_DATA"
    now = int(cloud.clock())
    return [
        (int(found.findtext("ID", "")), now - int(found.findtext("TIMESTAMP", "")))
        for found in document.findall("MONITORING")
    ]


async def test_all_figures_of_vms_those_of_a_time_and_the_newest(front_end: Cloud) -> None:
    first, second = await front_end.add_vm(), await front_end.add_vm()
    await keep(front_end, ObjectKind.VM, first, 300, 100)
    await keep(front_end, ObjectKind.VM, second, 200)
    assert await ages(front_end, "one.vmpool.monitoring", -2) == [(first, 300), (first, 100), (second, 200)]
    assert await ages(front_end, "one.vmpool.monitoring", -2, 250) == [(first, 100), (second, 200)]
    assert await ages(front_end, "one.vmpool.monitoring", -2, 0) == [(first, 100), (second, 200)]
    front_end.daemon.core.monitoring.put(
        ObjectKind.VM,
        second,
        int(front_end.clock()),
        f"<MONITORING><ID>{second}</ID><TIMESTAMP>{int(front_end.clock())}</TIMESTAMP></MONITORING>",
    )
    assert await ages(front_end, "one.vmpool.monitoring", -2, 0) == [(first, 100), (second, 0)]


async def test_figures_of_vms_are_seen_by_who_may_use_them(front_end: Cloud) -> None:
    await front_end.new("one.user.allocate", "alice", "pw", "", [])
    await keep(front_end, ObjectKind.VM, await front_end.add_vm(), 100)
    assert await ages(front_end, "one.vmpool.monitoring", -2, session=ALICE) == []
    assert await ages(front_end, "one.hostpool.monitoring", session=ALICE) == []


async def test_figures_of_a_vm_that_has_ended_are_not_listed(front_end: Cloud) -> None:
    vm_id = await front_end.add_vm()
    await keep(front_end, ObjectKind.VM, vm_id, 100)
    await front_end.act("terminate", vm_id)
    assert await ages(front_end, "one.vmpool.monitoring", -2) == []


async def test_figures_of_hosts(front_end: Cloud) -> None:
    host_id = await front_end.add_host("h1")
    await keep(front_end, ObjectKind.HOST, host_id, 500, 400)
    assert {(host_id, 500), (host_id, 400)} <= set(await ages(front_end, "one.hostpool.monitoring"))
    assert (host_id, 500) not in await ages(front_end, "one.hostpool.monitoring", 450)
    ((newest_id, age_s),) = await ages(front_end, "one.hostpool.monitoring", 0)
    assert newest_id == host_id
    assert age_s < 400


async def test_a_period_below_all_is_refused(front_end: Cloud) -> None:
    with pytest.raises(ParameterError, match="Wrong period -2"):
        await front_end.call("one.vmpool.monitoring", -2, -2)


async def test_pyone_reads_the_series(front_end: Cloud) -> None:
    vm_id = await front_end.add_vm()
    await keep(front_end, ObjectKind.VM, vm_id, 100)

    def read() -> list[int]:
        with pyone.OneServer(front_end.endpoint, session=ADMIN) as one:
            return [row.ID for row in one.vmpool.monitoring(-2, -1).MONITORING]

    assert await asyncio.to_thread(read) == [vm_id]
