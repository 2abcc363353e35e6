from __future__ import annotations

import pytest

from opennebula_core.errors import ActionError, AuthorizationError, InternalError
from opennebula_core.managers.schedule.actions import MAX_ACTIONS
from opennebula_core.model.template import Vector
from opennebula_core.testing.cloud import Cloud

HOUR = 3600


def actions(cloud: Cloud, vm_id: int) -> list[Vector]:
    return cloud.vm(vm_id).template.vectors("SCHED_ACTION")


async def test_an_action_is_added_shown_and_removed(cloud: Cloud) -> None:
    vm_id = await cloud.add_vm()
    action_id = await cloud.new("one.vm.schedadd", vm_id, 'SCHED_ACTION=[ACTION="poweroff",TIME="+60"]')
    document = await cloud.document("one.vm.info", vm_id)
    assert document.findtext("SCHED_ACTIONS/ID") == str(action_id)
    shown = {item.tag: item.text for item in document.findall("TEMPLATE/SCHED_ACTION/*")}
    assert shown == {
        "ACTION": "poweroff",
        "ID": str(action_id),
        "PARENT_ID": str(vm_id),
        "TIME": str(cloud.vm(vm_id).stime + 60),
        "TYPE": "VM",
    }
    assert await cloud.new("one.vm.scheddelete", vm_id, action_id) == vm_id
    document = await cloud.document("one.vm.info", vm_id)
    assert document.find("TEMPLATE/SCHED_ACTION") is None
    assert cloud.daemon.store.read(lambda tx: tx.value("SELECT COUNT(*) FROM sched_action")) == 0


async def test_the_actions_of_a_template_come_with_each_of_its_vms(cloud: Cloud) -> None:
    text = (
        "NAME=t\nCPU=1\nMEMORY=64\n"
        "SCHED_ACTION=[ACTION=suspend,TIME=+60,ID=77,DONE=5,MESSAGE=x]\n"
        "SCHED_ACTION=[ACTION=terminate,TIME=+120,REPEAT=3,DAYS=2]\n"
    )
    template_id = await cloud.new("one.template.allocate", text)
    for number in (0, 1):
        vm_id = await cloud.new("one.template.instantiate", template_id, "", True, "", False)
        first, second = actions(cloud, vm_id)
        assert (first["ID"], second["ID"]) == (str(2 * number), str(2 * number + 1))
        assert set(first) == {"ID", "PARENT_ID", "TYPE", "ACTION", "TIME"}
        assert second["END_TYPE"] == "0"


async def test_an_update_changes_what_it_names(cloud: Cloud) -> None:
    vm_id = await cloud.add_vm("SCHED_ACTION=[ACTION=poweroff,TIME=5000000000,REPEAT=3,DAYS=5]")
    (before,) = actions(cloud, vm_id)
    action_id = int(before["ID"])
    text = 'SCHED_ACTION=[ACTION="snapshot-create",ARGS="daily",TIME="5000000060"]'
    assert await cloud.new("one.vm.schedupdate", vm_id, action_id, text) == action_id
    (after,) = actions(cloud, vm_id)
    assert after == before | {"ACTION": "snapshot-create", "ARGS": "daily", "TIME": "5000000060"}
    await cloud.call("one.vm.schedupdate", vm_id, action_id, 'SCHED_ACTION=[REPEAT=""]')
    (after,) = actions(cloud, vm_id)
    assert not {"REPEAT", "DAYS", "END_TYPE"} & set(after)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "0 SCHED_ACTION vectors"),
        ("SCHED_ACTION=[ACTION=hold,TIME=1]\nSCHED_ACTION=[ACTION=hold,TIME=1]", "2 SCHED_ACTION vectors"),
        ("SCHED_ACTION=[TIME=1]", "Action '' is not supported"),
        ("SCHED_ACTION=[ACTION=explode,TIME=1]", "Action 'explode' is not supported"),
        ("SCHED_ACTION=[ACTION=hold]", "TIME is ''"),
        ("SCHED_ACTION=[ACTION=snapshot-create,TIME=1]", "Format: snapshot-name"),
        ('SCHED_ACTION=[ACTION=snapshot-revert,TIME=1,ARGS="x"]', "Format: snapshot-id"),
        ('SCHED_ACTION=[ACTION=disk-snapshot-create,TIME=1,ARGS="0"]', "Format: disk-id, snapshot-name"),
        ('SCHED_ACTION=[ACTION=hold,TIME=1,WARNING="soon"]', "write seconds"),
    ],
)
async def test_what_cannot_be_done_is_refused_at_once(cloud: Cloud, text: str, why: str) -> None:
    vm_id = await cloud.add_vm()
    with pytest.raises(InternalError, match=why):
        await cloud.call("one.vm.schedadd", vm_id, f"{text}\n")
    if text.count("SCHED_ACTION") == 1:
        with pytest.raises(InternalError, match=why):
            await cloud.add_vm(text)


async def test_a_vm_has_so_many_actions_and_no_more(cloud: Cloud) -> None:
    one = "SCHED_ACTION=[ACTION=hold,TIME=5000000000]\n"
    vm_id = await cloud.add_vm(one * MAX_ACTIONS)
    with pytest.raises(InternalError, match="is the most"):
        await cloud.call("one.vm.schedadd", vm_id, one)


async def test_an_action_of_another_vm_is_not_found(cloud: Cloud) -> None:
    vm_id, other = await cloud.add_vm("SCHED_ACTION=[ACTION=hold,TIME=5000000000]"), await cloud.add_vm()
    action_id = int(actions(cloud, vm_id)[0]["ID"])
    for method, more in (("scheddelete", ()), ("schedupdate", ("SCHED_ACTION=[TIME=1]",))):
        with pytest.raises(ActionError, match="doesn't exist"):
            await cloud.call(f"one.vm.{method}", other, action_id, *more)


async def test_a_vm_that_has_ended_takes_no_actions(cloud: Cloud) -> None:
    vm_id = await cloud.add_vm()
    await cloud.act("terminate", vm_id)
    with pytest.raises(ActionError, match="DONE"):
        await cloud.call("one.vm.schedadd", vm_id, "SCHED_ACTION=[ACTION=hold,TIME=1]")


async def test_somebody_elses_vm_cannot_be_scheduled(cloud: Cloud) -> None:
    await cloud.call("one.user.allocate", "eve", "pw", "core")
    vm_id = await cloud.add_vm()
    with pytest.raises(AuthorizationError):
        await cloud.call("one.vm.schedadd", vm_id, "SCHED_ACTION=[ACTION=hold,TIME=1]", session="eve:pw")
