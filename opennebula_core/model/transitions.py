"""The one table of a VM's states: which event leads from which state where.

A place in a VM's life is a pair of :class:`VmState` and :class:`LcmState`, which counts only in ACTIVE.
What an operation does is a plan elsewhere; the order of its states follows from here: SUSPEND leads to
SAVE_SUSPEND, and there STEP_SUCCEEDED to SUSPENDED. ``docs/vm-states.md`` is drawn from TRANSITIONS.
Source: OpenNebula 6.10, its states page and LifeCycleManager.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from opennebula_core.errors import StateError
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.model.vm_events import VmEvent

__all__ = ["TRANSITIONS", "Place", "VmEvent", "allowed_states", "holds_capacity", "next_state", "state_name"]

Place = tuple[VmState, LcmState]
State = VmState | LcmState
Row = tuple[VmEvent, tuple[State, ...], State]

E, L, V = VmEvent, LcmState, VmState  # the table is read more often than this line

_OPERATIONS: Final[tuple[Row, ...]] = (
    (E.SUBMIT, (V.INIT,), V.PENDING),
    (E.SUBMIT_ON_HOLD, (V.INIT,), V.HOLD),
    (E.AWAIT_IMAGES, (V.INIT,), V.CLONING),
    (E.IMAGES_READY, (V.CLONING, V.CLONING_FAILURE), V.PENDING),
    (E.IMAGES_FAILED, (V.CLONING,), V.CLONING_FAILURE),
    (E.HOLD, (V.PENDING, V.HOLD), V.HOLD),
    (E.RELEASE, (V.HOLD,), V.PENDING),
    (E.DEPLOY, (V.PENDING, V.HOLD), L.PROLOG),
    (E.DEPLOY, (V.STOPPED,), L.PROLOG_RESUME),
    (E.DEPLOY, (V.UNDEPLOYED,), L.PROLOG_UNDEPLOY),
    (E.DEPLOY_STOPPED, (V.PENDING, V.HOLD), L.PROLOG_RESUME),
    (E.DEPLOY_UNDEPLOYED, (V.PENDING, V.HOLD), L.PROLOG_UNDEPLOY),
    (E.RESUME, (V.STOPPED, V.UNDEPLOYED), V.PENDING),
    (E.RESUME, (V.SUSPENDED,), L.BOOT_SUSPENDED),
    (E.RESUME, (V.POWEROFF,), L.BOOT_POWEROFF),
    (E.RESUME, (L.UNKNOWN,), L.BOOT_UNKNOWN),
    (E.SUSPEND, (L.RUNNING,), L.SAVE_SUSPEND),
    (E.STOP, (L.RUNNING,), L.SAVE_STOP),
    (E.STOP, (V.SUSPENDED,), L.EPILOG_STOP),
    (E.POWEROFF, (L.RUNNING, L.UNKNOWN), L.SHUTDOWN_POWEROFF),
    (E.UNDEPLOY, (L.RUNNING, L.UNKNOWN), L.SHUTDOWN_UNDEPLOY),
    (E.UNDEPLOY, (V.POWEROFF,), L.EPILOG_UNDEPLOY),
    (E.MIGRATE_LIVE, (L.RUNNING,), L.MIGRATE),
    (E.MIGRATE_SAVE, (L.RUNNING,), L.SAVE_MIGRATE),
    (E.MIGRATE_SAVE, (V.POWEROFF,), L.PROLOG_MIGRATE_POWEROFF),
    (E.MIGRATE_SAVE, (V.SUSPENDED,), L.PROLOG_MIGRATE_SUSPEND),
    (E.MIGRATE_SAVE, (L.UNKNOWN,), L.PROLOG_MIGRATE_UNKNOWN),
    (E.MIGRATE_POWEROFF, (L.RUNNING,), L.SAVE_MIGRATE),
    (E.MIGRATE_POWEROFF, (V.POWEROFF,), L.PROLOG_MIGRATE_POWEROFF),
    (E.MIGRATE_POWEROFF, (V.SUSPENDED,), L.PROLOG_MIGRATE_SUSPEND),
    (E.MIGRATE_POWEROFF, (L.UNKNOWN,), L.PROLOG_MIGRATE_UNKNOWN),
    (E.TERMINATE, (L.RUNNING, L.UNKNOWN), L.SHUTDOWN),
    (E.TERMINATE_HARD, (L.RUNNING, L.UNKNOWN, L.SHUTDOWN), L.SHUTDOWN),
    (E.TERMINATE_STORED, (V.PENDING, V.HOLD), L.EPILOG),
)

_CHANGES: Final[tuple[Row, ...]] = (
    (E.ATTACH_DISK, (L.RUNNING,), L.HOTPLUG),
    (E.ATTACH_DISK, (V.POWEROFF,), L.HOTPLUG_PROLOG_POWEROFF),
    (E.DETACH_DISK, (L.RUNNING,), L.HOTPLUG),
    (E.DETACH_DISK, (V.POWEROFF,), L.HOTPLUG_EPILOG_POWEROFF),
    (E.ATTACH_NIC, (L.RUNNING,), L.HOTPLUG_NIC),
    (E.ATTACH_NIC, (V.POWEROFF,), L.HOTPLUG_NIC_POWEROFF),
    (E.DETACH_NIC, (L.RUNNING,), L.HOTPLUG_NIC),
    (E.DETACH_NIC, (V.POWEROFF,), L.HOTPLUG_NIC_POWEROFF),
    (E.UPDATECONF, (L.RUNNING,), L.HOTPLUG),
    (E.RESIZE, (L.RUNNING,), L.HOTPLUG_RESIZE),
    (E.SNAPSHOT, (L.RUNNING,), L.HOTPLUG_SNAPSHOT),
    (E.SNAPSHOT_DELETE, (L.RUNNING,), L.HOTPLUG_SNAPSHOT),
    (E.DISK_SNAPSHOT_CREATE, (L.RUNNING,), L.DISK_SNAPSHOT),
    (E.DISK_SNAPSHOT_CREATE, (V.POWEROFF,), L.DISK_SNAPSHOT_POWEROFF),
    (E.DISK_SNAPSHOT_CREATE, (V.SUSPENDED,), L.DISK_SNAPSHOT_SUSPENDED),
    (E.DISK_SNAPSHOT_REVERT, (V.POWEROFF,), L.DISK_SNAPSHOT_REVERT_POWEROFF),
    (E.DISK_SNAPSHOT_DELETE, (L.RUNNING,), L.DISK_SNAPSHOT_DELETE),
    (E.DISK_SNAPSHOT_DELETE, (V.POWEROFF,), L.DISK_SNAPSHOT_DELETE_POWEROFF),
    (E.DISK_SNAPSHOT_DELETE, (V.SUSPENDED,), L.DISK_SNAPSHOT_DELETE_SUSPENDED),
    (E.DISK_RESIZE, (L.RUNNING,), L.DISK_RESIZE),
    (E.DISK_RESIZE, (V.POWEROFF,), L.DISK_RESIZE_POWEROFF),
    (E.DISK_RESIZE, (V.UNDEPLOYED,), L.DISK_RESIZE_UNDEPLOYED),
    (E.DISK_SAVEAS, (L.RUNNING,), L.HOTPLUG_SAVEAS),
    (E.DISK_SAVEAS, (V.POWEROFF,), L.HOTPLUG_SAVEAS_POWEROFF),
    (E.DISK_SAVEAS, (V.SUSPENDED,), L.HOTPLUG_SAVEAS_SUSPENDED),
    (E.DISK_SAVEAS, (V.UNDEPLOYED,), L.HOTPLUG_SAVEAS_UNDEPLOYED),
    (E.DISK_SAVEAS, (V.STOPPED,), L.HOTPLUG_SAVEAS_STOPPED),
    (E.BACKUP, (L.RUNNING,), L.BACKUP),
    (E.BACKUP, (V.POWEROFF,), L.BACKUP_POWEROFF),
    (E.RESTORE, (V.POWEROFF,), L.RESTORE),
)

_WITHOUT_FILES: Final = (V.INIT, V.PENDING, V.HOLD, V.CLONING, V.CLONING_FAILURE)
_AT_REST: Final = (*_WITHOUT_FILES, V.POWEROFF, V.UNDEPLOYED)

_UNCHANGED: Final[dict[VmEvent, tuple[State, ...]]] = {
    E.REBOOT: (L.RUNNING,),
    E.RESCHED: (L.RUNNING, L.UNKNOWN, V.POWEROFF),
    E.UNRESCHED: (L.RUNNING, L.UNKNOWN, V.POWEROFF),
    E.RESIZE: _AT_REST,
    E.UPDATECONF: (*_AT_REST, V.STOPPED, V.SUSPENDED),
    E.SNAPSHOT_DELETE: (V.POWEROFF,),
}
"""Events that are allowed in these states and lead nowhere else."""

_STEPS: Final[dict[LcmState, tuple[State, State]]] = {
    L.PROLOG: (L.BOOT, L.PROLOG_FAILURE),
    L.PROLOG_RESUME: (L.BOOT_STOPPED, L.PROLOG_RESUME_FAILURE),
    L.PROLOG_UNDEPLOY: (L.BOOT_UNDEPLOY, L.PROLOG_UNDEPLOY_FAILURE),
    L.PROLOG_MIGRATE: (L.BOOT_MIGRATE, L.PROLOG_MIGRATE_FAILURE),
    L.PROLOG_MIGRATE_POWEROFF: (V.POWEROFF, L.PROLOG_MIGRATE_POWEROFF_FAILURE),
    L.PROLOG_MIGRATE_SUSPEND: (V.SUSPENDED, L.PROLOG_MIGRATE_SUSPEND_FAILURE),
    L.PROLOG_MIGRATE_UNKNOWN: (L.BOOT, L.PROLOG_MIGRATE_UNKNOWN_FAILURE),
    L.BOOT: (L.RUNNING, L.BOOT_FAILURE),
    L.BOOT_STOPPED: (L.RUNNING, L.BOOT_STOPPED_FAILURE),
    L.BOOT_UNDEPLOY: (L.RUNNING, L.BOOT_UNDEPLOY_FAILURE),
    L.BOOT_MIGRATE: (L.RUNNING, L.BOOT_MIGRATE_FAILURE),
    L.BOOT_UNKNOWN: (L.RUNNING, L.UNKNOWN),
    L.BOOT_POWEROFF: (L.RUNNING, V.POWEROFF),
    L.BOOT_SUSPENDED: (L.RUNNING, V.SUSPENDED),
    L.MIGRATE: (L.RUNNING, L.RUNNING),
    L.SAVE_SUSPEND: (V.SUSPENDED, L.RUNNING),
    L.SAVE_STOP: (L.EPILOG_STOP, L.RUNNING),
    L.SAVE_MIGRATE: (L.PROLOG_MIGRATE, L.RUNNING),
    L.SHUTDOWN: (L.EPILOG, L.RUNNING),
    L.SHUTDOWN_POWEROFF: (V.POWEROFF, L.RUNNING),
    L.SHUTDOWN_UNDEPLOY: (L.EPILOG_UNDEPLOY, L.RUNNING),
    L.EPILOG: (V.DONE, L.EPILOG_FAILURE),
    L.EPILOG_STOP: (V.STOPPED, L.EPILOG_STOP_FAILURE),
    L.EPILOG_UNDEPLOY: (V.UNDEPLOYED, L.EPILOG_UNDEPLOY_FAILURE),
    L.CLEANUP_DELETE: (V.DONE, L.CLEANUP_DELETE),
    L.CLEANUP_RESUBMIT: (V.PENDING, L.CLEANUP_RESUBMIT),
}
"""Where a state that waits for a driver leads: after success, after failure."""

_MONITORING: Final[tuple[Row, ...]] = (
    (E.MONITOR_RUNNING, (L.UNKNOWN, V.POWEROFF, V.SUSPENDED), L.RUNNING),
    (
        E.MONITOR_RUNNING,
        tuple(state for state, after in _STEPS.items() if state.name[:4] == "BOOT"),
        L.RUNNING,
    ),
    (E.MONITOR_POWEROFF, (L.RUNNING, L.UNKNOWN), V.POWEROFF),
    (E.MONITOR_POWEROFF, (L.SHUTDOWN,), L.EPILOG),
    (E.MONITOR_POWEROFF, (L.SHUTDOWN_POWEROFF,), V.POWEROFF),
    (E.MONITOR_POWEROFF, (L.SHUTDOWN_UNDEPLOY,), L.EPILOG_UNDEPLOY),
    (E.MONITOR_SUSPENDED, (L.RUNNING, L.UNKNOWN), V.SUSPENDED),
    (E.MONITOR_UNKNOWN, (L.RUNNING,), L.UNKNOWN),
)

_BACK_ON_THE_OLD_HOST: Final[dict[LcmState, State]] = {
    L.PROLOG_MIGRATE_FAILURE: L.PROLOG_MIGRATE,
    L.BOOT_MIGRATE_FAILURE: L.PROLOG_MIGRATE,
    L.PROLOG_MIGRATE_POWEROFF_FAILURE: L.PROLOG_MIGRATE_POWEROFF,
    L.PROLOG_MIGRATE_SUSPEND_FAILURE: L.PROLOG_MIGRATE_SUSPEND,
    L.PROLOG_MIGRATE_UNKNOWN_FAILURE: L.PROLOG_MIGRATE_UNKNOWN,
}
"""Where ``recover --failure`` leads a migration that failed: the VM belongs to the old host again.

Its files come back, or what was copied of them to the other host is removed.
"""


def _place(state: State) -> Place:
    return (state, L.LCM_INIT) if isinstance(state, VmState) else (V.ACTIVE, state)


def _change_steps() -> dict[LcmState, tuple[State, State]]:
    """Return the steps of changes to a VM: each leads back to where it came from."""
    return {wait: (origins[0], origins[0]) for _, origins, wait in _CHANGES if isinstance(wait, LcmState)}


def _ending_rows() -> Iterator[Row]:
    failures = tuple(state for state in LcmState if state.is_failure)
    on_disk = (V.POWEROFF, V.SUSPENDED, V.STOPPED, V.UNDEPLOYED)
    for event in (E.TERMINATE, E.TERMINATE_HARD):
        yield event, (*_WITHOUT_FILES, V.DONE), V.DONE
        yield event, on_disk, L.EPILOG
        yield event, failures, L.CLEANUP_DELETE
    active = tuple(state for state in LcmState if state is not L.LCM_INIT)
    yield E.DELETE, _WITHOUT_FILES, V.DONE
    yield E.DELETE, (*active, *on_disk), L.CLEANUP_DELETE
    yield E.RECREATE, (V.INIT, V.PENDING, V.HOLD), V.PENDING
    yield E.RECREATE, (V.CLONING, V.CLONING_FAILURE), V.CLONING
    yield E.RECREATE, (*active, *on_disk), L.CLEANUP_RESUBMIT
    yield E.DELETE_DB, (*_WITHOUT_FILES, *on_disk, *active), V.DONE


def _recover_rows(steps: Mapping[LcmState, tuple[State, State]]) -> Iterator[Row]:
    for state, (success, failure) in steps.items():
        yield E.RECOVER_SUCCESS, (state,), success
        yield E.RECOVER_FAILURE, (state,), failure
        if state in _STEPS:  # what cannot simply be sent again, such as a snapshot, has no retry
            yield E.RECOVER_RETRY, (state,), state
        if isinstance(failure, LcmState) and failure.is_failure:
            yield E.RECOVER_RETRY, (failure,), state
            yield E.RECOVER_SUCCESS, (failure,), success
            yield E.RECOVER_FAILURE, (failure,), _BACK_ON_THE_OLD_HOST.get(failure, failure)
    yield E.RECOVER_SUCCESS, (L.UNKNOWN,), L.RUNNING


def _rows() -> Iterator[Row]:
    steps = _STEPS | _change_steps()
    yield from (*_OPERATIONS, *_CHANGES, *_MONITORING)
    for event, states in _UNCHANGED.items():
        yield from ((event, (state,), state) for state in states)
    for state, (success, failure) in steps.items():
        yield E.STEP_SUCCEEDED, (state,), success
        yield E.STEP_FAILED, (state,), failure
    yield E.MOVED_POWERED_OFF, (L.PROLOG_MIGRATE, L.PROLOG_MIGRATE_FAILURE), L.BOOT
    yield from _ending_rows()
    yield from _recover_rows(steps)


TRANSITIONS: Final[Mapping[tuple[VmState, LcmState, VmEvent], Place]] = MappingProxyType(
    {(*_place(origin), event): _place(target) for event, origins, target in _rows() for origin in origins}
)
"""The table: state, LCM state and event to the next state and LCM state."""


def state_name(state: VmState, lcm_state: LcmState) -> str:
    """Return the name that users know a place by: the LCM state's in ACTIVE, else the state's."""
    return lcm_state.name if state == VmState.ACTIVE else state.name


def next_state(state: VmState, lcm_state: LcmState, event: VmEvent) -> Place:
    """Return the state and LCM state that ``event`` leads to.

    :raises StateError: ``event`` is not allowed there; the text is OpenNebula's
    """
    try:
        return TRANSITIONS[state, lcm_state, event]
    except KeyError:
        name = state_name(state, lcm_state)
        raise StateError(f"This action is not available for state {name}") from None


def allowed_states(event: VmEvent) -> list[Place]:
    """Return the places in which ``event`` is allowed, by their numbers."""
    return sorted((state, lcm_state) for state, lcm_state, allowed in TRANSITIONS if allowed is event)


def waits_for_driver(state: VmState, lcm_state: LcmState) -> bool:
    """Return whether a plan's step is under way in this place."""
    return (state, lcm_state, VmEvent.STEP_SUCCEEDED) in TRANSITIONS


_FILES_ONLY: Final = ("PROLOG", "EPILOG")
_AT_REST_WAITS: Final = frozenset(
    wait for _, origins, wait in _CHANGES if all(isinstance(origin, VmState) for origin in origins)
)


def may_have_guest(state: VmState, lcm_state: LcmState) -> bool:
    """Return whether a guest may run for a VM in this place, as far as its states tell.

    A VM that was lost sight of and is being moved may still run on the host that it comes from.
    """
    if state is not VmState.ACTIVE or lcm_state in _AT_REST_WAITS:
        return False
    return "UNKNOWN" in lcm_state.name or not lcm_state.name.startswith(_FILES_ONLY)


# A guest that is gone needs no CPU or memory while its files move; one that never left the datastore neither.
_CAPACITY_FREE: Final = frozenset(
    {L.LCM_INIT, L.CLEANUP_DELETE, L.CLEANUP_RESUBMIT, L.EPILOG, L.EPILOG_STOP, L.EPILOG_UNDEPLOY}
    | {L.EPILOG_FAILURE, L.EPILOG_STOP_FAILURE, L.EPILOG_UNDEPLOY_FAILURE}
    | {L.DISK_RESIZE_UNDEPLOYED, L.HOTPLUG_SAVEAS_UNDEPLOYED, L.HOTPLUG_SAVEAS_STOPPED}
)


def holds_capacity(state: VmState, lcm_state: LcmState) -> bool:
    """Return whether a VM in this place counts in its host's CPU and memory usage."""
    if state == VmState.ACTIVE:
        return lcm_state not in _CAPACITY_FREE
    return state in (VmState.POWEROFF, VmState.SUSPENDED)
