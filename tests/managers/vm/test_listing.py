from __future__ import annotations

import pytest

from opennebula_core.errors import ParameterError
from opennebula_core.model.states import VmState
from opennebula_core.testing.cloud import Cloud as FrontEnd

USE_OTHER = 0o604
ALL, MINE_AND_GROUPS = -2, -1


async def _ids(front_end: FrontEnd, *params: object, session: str = "", method: str = "info") -> list[str]:
    options = {"session": session} if session else {}
    pool = await front_end.document(f"one.vmpool.{method}", *params, **options)
    return [vm.findtext("ID", "") for vm in pool]


@pytest.mark.parametrize("method", ["info", "infoextended"])
async def test_vms_are_listed_by_state_and_range_newest_first(front_end: FrontEnd, method: str) -> None:
    first, second, third = [await front_end.add_vm() for _ in range(3)]
    await front_end.act("terminate", second)
    await front_end.settle(second, VmState.DONE)
    assert await _ids(front_end, ALL, -1, -1, -1, method=method) == [str(third), str(first)]
    assert await _ids(front_end, ALL, -1, -1, -2, method=method) == [str(third), str(second), str(first)]
    assert await _ids(front_end, ALL, -1, -1, 6, method=method) == [str(second)]
    assert await _ids(front_end, ALL, -1, -1, 2, method=method) == [str(third), str(first)]
    assert await _ids(front_end, ALL, -1, -1, 1, method=method) == []
    assert await _ids(front_end, ALL, second, third, -1, method=method) == [str(third)]
    assert await _ids(front_end, ALL, 1, -1, -1, method=method) == [str(third)]
    assert await _ids(front_end, ALL, 1, -5, -1, method=method) == [str(first)]
    with pytest.raises(ParameterError):
        await _ids(front_end, ALL, -1, -1, 12, method=method)


async def test_a_user_is_shown_what_the_user_may_use(front_end: FrontEnd) -> None:
    await front_end.call("one.user.allocate", "ada", "secret", "core", [])
    session = "ada:secret"
    theirs, ours = await front_end.add_vm(), await front_end.add_vm(session=session)
    assert await _ids(front_end, ALL, -1, -1, -1) == [str(ours), str(theirs)]
    assert await _ids(front_end, ALL, -1, -1, -1, session=session) == [str(ours)]
    bits = [int(bit) for bit in f"{USE_OTHER:09b}"]
    await front_end.call("one.vm.chmod", theirs, *bits)
    assert await _ids(front_end, ALL, -1, -1, -1, session=session) == [str(ours), str(theirs)]
    assert await _ids(front_end, MINE_AND_GROUPS, -1, -1, -1, session=session) == [str(ours)]
    await front_end.call("one.vm.chmod", theirs, 1, 1, 0, 0, 0, 0, 0, 0, 0)
    assert await _ids(front_end, ALL, -1, -1, -1, session=session) == [str(ours)]


async def test_a_listing_shows_what_was_acknowledged_before_it(front_end: FrontEnd) -> None:
    vm_id = await front_end.add_vm()
    for name in ("one", "two", "three"):
        await front_end.call("one.vm.rename", vm_id, name)
        pool = await front_end.document("one.vmpool.info", ALL, -1, -1, -1)
        assert pool.findtext("VM/NAME") == name


async def test_short_and_whole_document_tell_the_same_figures(front_end: FrontEnd) -> None:
    vm_id = await front_end.run_vm(await front_end.add_host("h1"))

    async def has_figures() -> bool:
        pool = await front_end.document("one.vmpool.info", ALL, -1, -1, -1)
        return pool.findtext("VM/MONITORING/CPU") is not None

    await front_end.until(has_figures, "figures")
    for method in ("info", "infoextended"):
        pool = await front_end.document(f"one.vmpool.{method}", ALL, vm_id, vm_id, -1)
        assert int(pool.findtext("VM/LAST_POLL", "0")) > 0
        assert pool.findtext("VM/MONITORING/ID") == str(vm_id)
