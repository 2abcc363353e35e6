from __future__ import annotations

import pytest

from opennebula_core.errors import AuthorizationError
from opennebula_core.model.acl import parse_rule
from opennebula_core.testing.cloud import Cloud as FrontEnd


async def test_the_pool_and_info_tell_the_same_of_a_host(front_end: FrontEnd) -> None:
    busy, idle = await front_end.add_host("h-1"), await front_end.add_host("h-2")
    vm_ids = [await front_end.run_vm(busy) for _ in range(11)]

    async def has_figures() -> bool:
        document = await front_end.document("one.host.info", busy)
        return document.findtext("MONITORING/CAPACITY/FREE_CPU") is not None

    await front_end.until(has_figures, "figures")
    pool = await front_end.document("one.hostpool.info")
    assert [host.findtext("ID") for host in pool] == [str(idle), str(busy)]
    for listed in pool:
        alone = await front_end.document("one.host.info", int(listed.findtext("ID", "")))
        for path in ("NAME", "STATE", "CLUSTER", "HOST_SHARE/CPU_USAGE", "HOST_SHARE/RUNNING_VMS"):
            assert listed.findtext(path) == alone.findtext(path)
        shown = [[vm.text for vm in host.iterfind("VMS/ID")] for host in (listed, alone)]
        assert shown[0] == shown[1]
    assert [vm.text for vm in pool[1].iterfind("VMS/ID")] == [str(vm_id) for vm_id in vm_ids]
    assert pool[1].findtext("MONITORING/CAPACITY/FREE_CPU") is not None
    assert pool[0].find("VMS/ID") is None


async def test_a_listing_of_hosts_shows_what_was_acknowledged_before_it(front_end: FrontEnd) -> None:
    host_id = await front_end.add_host("one")
    for name in ("two", "three"):
        await front_end.call("one.host.rename", host_id, name)
        await front_end.call("one.host.update", host_id, f"RACK={name}", 1)
        pool = await front_end.document("one.hostpool.info")
        assert (pool.findtext("HOST/NAME"), pool.findtext("HOST/TEMPLATE/RACK")) == (name, name)


async def test_a_user_is_shown_the_hosts_that_the_user_may_use(front_end: FrontEnd) -> None:
    user_id = await front_end.new("one.user.allocate", "ada", "secret", "core", [])
    first, second = await front_end.add_host("h1"), await front_end.add_host("h2")
    for known in await front_end.document("one.acl.info"):
        await front_end.call("one.acl.delrule", int(known.findtext("ID", "")))
    session = "ada:secret"
    assert len(await front_end.document("one.hostpool.info", session=session)) == 0
    rule = parse_rule(f"#{user_id} HOST/#{second} USE #0")
    numbers = [f"{number:x}" for number in (rule.user, rule.resource, rule.rights, rule.zone)]
    await front_end.call("one.acl.addrule", *numbers)
    pool = await front_end.document("one.hostpool.info", session=session)
    assert [host.findtext("ID") for host in pool] == [str(second)]
    await front_end.document("one.host.info", second, session=session)
    with pytest.raises(AuthorizationError):
        await front_end.document("one.host.info", first, session=session)
