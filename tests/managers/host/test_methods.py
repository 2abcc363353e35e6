from __future__ import annotations

import pytest

from opennebula_core.errors import ActionError, AuthorizationError, InternalError, RequestError
from opennebula_core.model.states import HostState, LcmState, VmState
from opennebula_core.testing.cloud import Cloud as FrontEnd

ENABLE, DISABLE, OFFLINE = 0, 1, 2


async def test_a_host_is_disabled_taken_offline_and_enabled_again(front_end: FrontEnd) -> None:
    host_id = await front_end.add_host("h1")
    for status, state in ((DISABLE, HostState.DISABLED), (OFFLINE, HostState.OFFLINE)):
        await front_end.call("one.host.status", host_id, status)
        assert front_end.host(host_id).state is state
    await front_end.call("one.host.status", host_id, ENABLE)
    await front_end.until(lambda: front_end.host(host_id).state is HostState.MONITORED, "the host")
    with pytest.raises(InternalError, match="Wrong status code 7"):
        await front_end.call("one.host.status", host_id, 7)


async def test_a_disabled_host_takes_what_an_administrator_sends_but_an_offline_one_nothing(
    front_end: FrontEnd,
) -> None:
    host_id, vm_id = await front_end.add_host("h1"), await front_end.add_vm()
    await front_end.call("one.host.status", host_id, OFFLINE)
    with pytest.raises(ActionError, match="it is offline"):
        await front_end.call("one.vm.deploy", vm_id, host_id)
    await front_end.call("one.host.status", host_id, DISABLE)
    await front_end.call("one.vm.deploy", vm_id, host_id)
    await front_end.settle(vm_id, LcmState.RUNNING)
    assert front_end.host(host_id).state is HostState.DISABLED


async def test_a_host_with_vms_is_not_removed(front_end: FrontEnd) -> None:
    host_id = await front_end.add_host("h1")
    vm_id = await front_end.run_vm(host_id)
    with pytest.raises(ActionError, match="Can not remove a host with running VMs"):
        await front_end.call("one.host.delete", host_id)
    await front_end.act("terminate-hard", vm_id)
    await front_end.settle(vm_id, VmState.DONE)
    await front_end.call("one.host.delete", host_id)
    with pytest.raises(RequestError, match="Error getting host"):
        await front_end.call("one.host.info", host_id)


async def test_a_removed_hosts_name_is_free_again(front_end: FrontEnd) -> None:
    host_id = await front_end.add_host("h1")
    with pytest.raises(InternalError, match="NAME is already taken by HOST"):
        await front_end.call("one.host.allocate", "h1", "dummy", "dummy", -1)
    await front_end.call("one.host.delete", host_id)
    assert await front_end.add_host("h1") > host_id


@pytest.mark.parametrize("name", ["", "-oProxyCommand=x", "h1;reboot", "h 1", "höst", "h" * 129, "h1\nh2"])
async def test_what_is_no_host_name_is_refused(front_end: FrontEnd, name: str) -> None:
    with pytest.raises(InternalError, match="Invalid NAME"):
        await front_end.call("one.host.allocate", name, "dummy", "dummy", -1)


async def test_a_plain_user_neither_adds_nor_stops_hosts(front_end: FrontEnd) -> None:
    host_id = await front_end.add_host("h1")
    await front_end.call("one.user.allocate", "alice", "wonder", "core", [])
    for method, *params in (
        ("one.host.allocate", "h2", "dummy", "dummy", -1),
        ("one.host.status", host_id, DISABLE),
        ("one.host.delete", host_id),
        ("one.host.update", host_id, "RACK=1", 1),
    ):
        with pytest.raises(AuthorizationError):
            await front_end.call(str(method), *params, session="alice:wonder")
    assert front_end.host(host_id).state is HostState.MONITORED


@pytest.mark.parametrize("name", ["-oProxyCommand=x", "a b", "h\u00e9", "a,b", "[::1"])
async def test_a_host_gets_no_name_that_a_new_one_could_not_have(front_end: FrontEnd, name: str) -> None:
    host_id = await front_end.new("one.host.allocate", "h1", "dummy", "dummy", -1)
    with pytest.raises(ActionError, match="Invalid NAME"):
        await front_end.call("one.host.rename", host_id, name)
    assert front_end.host(host_id).name == "h1"
    await front_end.call("one.host.rename", host_id, "h2")
    assert front_end.host(host_id).name == "h2"
