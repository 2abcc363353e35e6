"""What changes show while they are made is what the transition table says, and they end where they began."""

from __future__ import annotations

import pytest

from opennebula_core.contracts.vmm import VmmAction
from opennebula_core.managers.transfer.phases import Phase
from opennebula_core.managers.vm.changes.plans import hotplug, transfer
from opennebula_core.model.objects import Vm
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.model.transitions import TRANSITIONS, Place, VmEvent
from opennebula_core.plans.plan import Plan
from opennebula_core.testing.cloud import place_of

E, L, V = VmEvent, LcmState, VmState
CASES: list[tuple[VmEvent, VmState | LcmState, str, LcmState]] = [
    (E.ATTACH_DISK, L.RUNNING, VmmAction.ATTACHDISK, L.HOTPLUG),
    (E.DETACH_DISK, L.RUNNING, VmmAction.DETACHDISK, L.HOTPLUG),
    (E.ATTACH_NIC, L.RUNNING, VmmAction.ATTACHNIC, L.HOTPLUG_NIC),
    (E.DETACH_NIC, L.RUNNING, VmmAction.DETACHNIC, L.HOTPLUG_NIC),
    (E.RESIZE, L.RUNNING, VmmAction.RESIZE, L.HOTPLUG_RESIZE),
    (E.UPDATECONF, L.RUNNING, VmmAction.UPDATECONF, L.HOTPLUG),
    (E.SNAPSHOT, L.RUNNING, VmmAction.SNAPSHOTCREATE, L.HOTPLUG_SNAPSHOT),
    (E.DISK_RESIZE, L.RUNNING, VmmAction.RESIZEDISK, L.DISK_RESIZE),
    (E.ATTACH_DISK, V.POWEROFF, Phase.ATTACH, L.HOTPLUG_PROLOG_POWEROFF),
    (E.DETACH_DISK, V.POWEROFF, Phase.DETACH, L.HOTPLUG_EPILOG_POWEROFF),
    (E.DISK_RESIZE, V.POWEROFF, Phase.RESIZE, L.DISK_RESIZE_POWEROFF),
    (E.DISK_RESIZE, V.UNDEPLOYED, Phase.RESIZE, L.DISK_RESIZE_UNDEPLOYED),
    (E.DISK_SAVEAS, L.RUNNING, Phase.SAVE_AS, L.HOTPLUG_SAVEAS),
    (E.DISK_SAVEAS, V.STOPPED, Phase.SAVE_AS, L.HOTPLUG_SAVEAS_STOPPED),
    (E.DISK_SNAPSHOT_CREATE, V.POWEROFF, Phase.SNAP_CREATE, L.DISK_SNAPSHOT_POWEROFF),
    (E.DISK_SNAPSHOT_CREATE, V.SUSPENDED, Phase.SNAP_CREATE, L.DISK_SNAPSHOT_SUSPENDED),
    (E.DISK_SNAPSHOT_REVERT, V.POWEROFF, Phase.SNAP_REVERT, L.DISK_SNAPSHOT_REVERT_POWEROFF),
    (E.DISK_SNAPSHOT_DELETE, L.RUNNING, Phase.SNAP_DELETE, L.DISK_SNAPSHOT_DELETE),
]


def _plan(place: Place, what: str, lcm_state: LcmState) -> Plan:
    vm = Vm(id=7, name="web", state=place[0], lcm_state=place[1])
    if isinstance(what, VmmAction):
        return hotplug(vm, "change", what, lcm_state, disk_id=3)
    return transfer(vm, "change", what, lcm_state, disk_id=3)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1].name}")
def test_a_change_ends_where_it_began(
    case: tuple[VmEvent, VmState | LcmState, str, LcmState],
) -> None:
    event, state, what, lcm_state = case
    place = place_of(state)
    plan = _plan(place, what, lcm_state)
    (step,) = plan.steps
    assert TRANSITIONS[(*place, event)] == (V.ACTIVE, step.lcm_state)
    assert plan.end == place
    for outcome in (E.STEP_SUCCEEDED, E.STEP_FAILED):
        assert TRANSITIONS[V.ACTIVE, step.lcm_state, outcome] == place
    assert step.arguments == {"disk_id": 3}
