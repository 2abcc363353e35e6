from __future__ import annotations

import pytest

from opennebula_core.errors import ActionError
from opennebula_core.model.states import LcmState, VmState

from ..conftest import RUNNING, Cloud, Place

INIT = LcmState.LCM_INIT
REST: dict[str, Place] = {
    state.name.lower(): (state, INIT)
    for state in (
        VmState.PENDING,
        VmState.HOLD,
        VmState.POWEROFF,
        VmState.SUSPENDED,
        VmState.STOPPED,
        VmState.UNDEPLOYED,
        VmState.DONE,
    )
} | {"running": RUNNING}
LEADS_TO_REST = {"poweroff": "poweroff", "suspended": "suspend", "stopped": "stop", "undeployed": "undeploy"}
ENDS = {"terminate": "done", "terminate-hard": "done"}
ALLOWED: dict[str, dict[str, str]] = {
    "pending": {"hold": "hold", **ENDS},
    "hold": {"hold": "hold", "release": "pending", **ENDS},
    "running": {
        "poweroff": "poweroff",
        "poweroff-hard": "poweroff",
        "undeploy": "undeployed",
        "undeploy-hard": "undeployed",
        "suspend": "suspended",
        "stop": "stopped",
        "reboot": "running",
        "reboot-hard": "running",
        "resched": "running",
        "unresched": "running",
        **ENDS,
    },
    "poweroff": {
        "undeploy": "undeployed",
        "undeploy-hard": "undeployed",
        "resume": "running",
        "resched": "poweroff",
        "unresched": "poweroff",
        **ENDS,
    },
    "suspended": {"stop": "stopped", "resume": "running", **ENDS},
    "stopped": {"resume": "pending", **ENDS},
    "undeployed": {"resume": "pending", **ENDS},
}
"""Where each action leads from each resting state; what is not here is refused."""
ACTIONS = sorted({action for actions in ALLOWED.values() for action in actions})
CASES = [(state, action, end) for state, actions in ALLOWED.items() for action, end in actions.items()]


def _at_rest(cloud: Cloud, name: str) -> int:
    if name in ("pending", "hold"):
        return cloud.vm(hold=name == "hold")
    vm_id = cloud.running_vm()
    if name in LEADS_TO_REST:
        cloud.act(LEADS_TO_REST[name], vm_id)
        cloud.settle(vm_id, REST[name])
    return vm_id


def _end(cloud: Cloud, vm_id: int) -> None:
    cloud.act("terminate-hard", vm_id)
    cloud.settle(vm_id, REST["done"])
    assert cloud.usage() == ["0", "0", "0"]


@pytest.mark.parametrize(("state", "action", "end"), CASES, ids=[f"{case[0]}-{case[1]}" for case in CASES])
def test_what_a_state_allows_leads_where_opennebula_says(
    cloud: Cloud, state: str, action: str, end: str
) -> None:
    vm_id = _at_rest(cloud, state)
    cloud.act(action, vm_id)
    cloud.settle(vm_id, REST[end])
    _end(cloud, vm_id)


@pytest.mark.parametrize("state", ALLOWED)
def test_what_a_state_does_not_allow_is_refused_and_changes_nothing(cloud: Cloud, state: str) -> None:
    vm_id = _at_rest(cloud, state)
    for action in ACTIONS:
        if action in ALLOWED[state]:
            continue
        text = f'Error performing action "{action}": This action is not available for state {state.upper()}'
        with pytest.raises(ActionError, match=text):
            cloud.act(action, vm_id)
        assert cloud.place(vm_id) == REST[state]
    _end(cloud, vm_id)


def test_a_vm_that_is_done_stays_so(cloud: Cloud) -> None:
    vm_id = cloud.vm()
    cloud.act("terminate", vm_id)
    for action in ACTIONS:
        if action in ENDS:
            cloud.act(action, vm_id)
        else:
            with pytest.raises(ActionError, match="not available for state DONE"):
                cloud.act(action, vm_id)
    assert cloud.place(vm_id) == REST["done"]


@pytest.mark.parametrize(("state", "live"), [("pending", False), ("stopped", False), ("poweroff", True)])
def test_what_is_not_on_a_host_cannot_be_moved_nor_what_is_off_live(
    cloud: Cloud, state: str, live: bool
) -> None:
    vm_id = _at_rest(cloud, state)
    with pytest.raises(ActionError, match=f"Migrate action is not available for state {state.upper()}"):
        cloud.client.call("one.vm.migrate", vm_id, cloud.host_ids[1], live, False, -1, 0)
    _end(cloud, vm_id)


def test_a_running_vm_cannot_be_deployed_again(cloud: Cloud) -> None:
    vm_id = cloud.running_vm()
    with pytest.raises(ActionError, match="Deploy action is not available for state RUNNING"):
        cloud.deploy(vm_id, 1)
    assert cloud.usage(1) == ["0", "0", "0"]
    _end(cloud, vm_id)


def test_resched_is_a_mark_that_a_migration_takes_away(cloud: Cloud) -> None:
    vm_id = cloud.running_vm()
    cloud.act("resched", vm_id)
    assert cloud.document("vm", vm_id).findtext("RESCHED") == "1"
    cloud.client.call("one.vm.migrate", vm_id, cloud.host_ids[1], True, False, -1, 0)
    cloud.settle(vm_id, RUNNING)
    assert cloud.document("vm", vm_id).findtext("RESCHED") == "0"
    _end(cloud, vm_id)


def test_a_stopped_vm_goes_on_from_its_checkpoint_on_another_host(cloud: Cloud) -> None:
    vm_id = _at_rest(cloud, "stopped")
    cloud.act("resume", vm_id)
    cloud.settle(vm_id, REST["pending"])
    cloud.deploy(vm_id, 1)
    cloud.settle(vm_id, RUNNING)
    assert (cloud.usage(0)[0], cloud.usage(1)[0]) == ("0", "1")
    log = cloud.location / f"var/vms/{vm_id}/vm.log"
    cloud.wait_until(lambda: "New LCM state is BOOT_STOPPED" in log.read_text(), "the log")
    _end(cloud, vm_id)
