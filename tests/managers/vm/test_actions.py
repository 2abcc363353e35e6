from __future__ import annotations

import pytest

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
"""Where each action leads in the end from each resting state."""
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
