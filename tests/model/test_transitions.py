from __future__ import annotations

import pytest

from opennebula_core.errors import StateError
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.model.transitions import (
    TRANSITIONS,
    Place,
    VmEvent,
    allowed_states,
    holds_capacity,
    may_have_guest,
    next_state,
    state_name,
    waits_for_driver,
)

OK, FAILED = VmEvent.STEP_SUCCEEDED, VmEvent.STEP_FAILED


def place(name: str) -> Place:
    if name in VmState.__members__:
        return VmState[name], LcmState.LCM_INIT
    return VmState.ACTIVE, LcmState[name]


def walk(start: str, *events: VmEvent) -> str:
    names, at = [start], place(start)
    for event in events:
        at = next_state(*at, event)
        names.append(state_name(*at))
    return " ".join(names)


@pytest.mark.parametrize(
    ("start", "events", "way"),
    [
        ("PENDING", [VmEvent.DEPLOY, OK, OK], "PENDING PROLOG BOOT RUNNING"),
        (
            "HOLD",
            [VmEvent.DEPLOY, FAILED, VmEvent.RECOVER_RETRY, OK],
            "HOLD PROLOG PROLOG_FAILURE PROLOG BOOT",
        ),
        ("RUNNING", [VmEvent.STOP, OK, OK, VmEvent.RESUME], "RUNNING SAVE_STOP EPILOG_STOP STOPPED PENDING"),
        ("PENDING", [VmEvent.DEPLOY_STOPPED, OK, OK], "PENDING PROLOG_RESUME BOOT_STOPPED RUNNING"),
        ("STOPPED", [VmEvent.DEPLOY, OK, FAILED], "STOPPED PROLOG_RESUME BOOT_STOPPED BOOT_STOPPED_FAILURE"),
        ("PENDING", [VmEvent.DEPLOY_UNDEPLOYED, OK, OK], "PENDING PROLOG_UNDEPLOY BOOT_UNDEPLOY RUNNING"),
        (
            "RUNNING",
            [VmEvent.SUSPEND, OK, VmEvent.RESUME, OK],
            "RUNNING SAVE_SUSPEND SUSPENDED BOOT_SUSPENDED RUNNING",
        ),
        ("RUNNING", [VmEvent.SUSPEND, FAILED], "RUNNING SAVE_SUSPEND RUNNING"),
        (
            "RUNNING",
            [VmEvent.POWEROFF, OK, VmEvent.RESUME, FAILED],
            "RUNNING SHUTDOWN_POWEROFF POWEROFF BOOT_POWEROFF POWEROFF",
        ),
        ("UNKNOWN", [VmEvent.UNDEPLOY, OK, OK], "UNKNOWN SHUTDOWN_UNDEPLOY EPILOG_UNDEPLOY UNDEPLOYED"),
        ("POWEROFF", [VmEvent.UNDEPLOY, FAILED], "POWEROFF EPILOG_UNDEPLOY EPILOG_UNDEPLOY_FAILURE"),
        (
            "RUNNING",
            [VmEvent.MIGRATE_SAVE, OK, OK, OK],
            "RUNNING SAVE_MIGRATE PROLOG_MIGRATE BOOT_MIGRATE RUNNING",
        ),
        (
            "RUNNING",
            [VmEvent.MIGRATE_POWEROFF, OK, VmEvent.MOVED_POWERED_OFF, OK],
            "RUNNING SAVE_MIGRATE PROLOG_MIGRATE BOOT RUNNING",
        ),
        ("RUNNING", [VmEvent.MIGRATE_LIVE, OK], "RUNNING MIGRATE RUNNING"),
        ("RUNNING", [VmEvent.MIGRATE_LIVE, FAILED], "RUNNING MIGRATE RUNNING"),
        ("UNKNOWN", [VmEvent.MIGRATE_SAVE, OK, OK], "UNKNOWN PROLOG_MIGRATE_UNKNOWN BOOT RUNNING"),
        ("SUSPENDED", [VmEvent.MIGRATE_SAVE, OK], "SUSPENDED PROLOG_MIGRATE_SUSPEND SUSPENDED"),
        (
            "POWEROFF",
            [VmEvent.MIGRATE_SAVE, FAILED, VmEvent.RECOVER_FAILURE, OK],
            "POWEROFF PROLOG_MIGRATE_POWEROFF PROLOG_MIGRATE_POWEROFF_FAILURE "
            "PROLOG_MIGRATE_POWEROFF POWEROFF",
        ),
        (
            "RUNNING",
            [VmEvent.TERMINATE, VmEvent.TERMINATE_HARD, OK, OK],
            "RUNNING SHUTDOWN SHUTDOWN EPILOG DONE",
        ),
        ("RUNNING", [VmEvent.TERMINATE, FAILED], "RUNNING SHUTDOWN RUNNING"),
        ("BOOT_FAILURE", [VmEvent.TERMINATE_HARD, FAILED], "BOOT_FAILURE CLEANUP_DELETE CLEANUP_DELETE"),
        ("PENDING", [VmEvent.TERMINATE, VmEvent.TERMINATE], "PENDING DONE DONE"),
        ("BOOT", [VmEvent.RECREATE, FAILED], "BOOT CLEANUP_RESUBMIT CLEANUP_RESUBMIT"),
        (
            "BOOT_MIGRATE_FAILURE",
            [VmEvent.RECOVER_FAILURE, OK],
            "BOOT_MIGRATE_FAILURE PROLOG_MIGRATE BOOT_MIGRATE",
        ),
        (
            "RUNNING",
            [VmEvent.MONITOR_UNKNOWN, VmEvent.MONITOR_POWEROFF, VmEvent.MONITOR_RUNNING],
            "RUNNING UNKNOWN POWEROFF RUNNING",
        ),
        ("RUNNING", [VmEvent.ATTACH_DISK, FAILED], "RUNNING HOTPLUG RUNNING"),
        ("POWEROFF", [VmEvent.ATTACH_NIC, OK], "POWEROFF HOTPLUG_NIC_POWEROFF POWEROFF"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_operation_takes_this_way(start: str, events: list[VmEvent], way: str) -> None:
    assert walk(start, *events) == way


def test_what_is_not_allowed_is_a_state_error_in_opennebulas_words() -> None:
    with pytest.raises(StateError, match=r"^This action is not available for state PROLOG_MIGRATE$"):
        next_state(VmState.ACTIVE, LcmState.PROLOG_MIGRATE, VmEvent.SUSPEND)
    with pytest.raises(StateError, match=r"for state DONE$"):
        next_state(VmState.DONE, LcmState.LCM_INIT, VmEvent.RESUME)


@pytest.mark.parametrize(
    ("event", "names"),
    [
        (VmEvent.DEPLOY, "PENDING HOLD STOPPED UNDEPLOYED"),
        (VmEvent.POWEROFF, "RUNNING UNKNOWN"),
        (VmEvent.RESUME, "UNKNOWN STOPPED SUSPENDED POWEROFF UNDEPLOYED"),
        (VmEvent.RESCHED, "RUNNING UNKNOWN POWEROFF"),
        (VmEvent.REBOOT, "RUNNING"),
    ],
)
def test_an_action_is_allowed_in_these_states(event: VmEvent, names: str) -> None:
    assert [state_name(*at) for at in allowed_states(event)] == names.split()


def test_recover_works_in_every_state_that_waits_or_failed() -> None:
    for lcm in LcmState:
        expected = waits_for_driver(VmState.ACTIVE, lcm) or lcm.is_failure
        for event in (VmEvent.RECOVER_FAILURE, VmEvent.RECOVER_SUCCESS):
            allowed = (VmState.ACTIVE, lcm, event) in TRANSITIONS
            assert allowed is expected or (lcm, event) == (LcmState.UNKNOWN, VmEvent.RECOVER_SUCCESS)


def test_every_failed_step_can_be_retried_and_deleted() -> None:
    for lcm in LcmState:
        if lcm.is_failure:
            assert next_state(VmState.ACTIVE, lcm, VmEvent.RECOVER_RETRY)[1].name == lcm.name.removesuffix(
                "_FAILURE"
            )
            assert next_state(VmState.ACTIVE, lcm, VmEvent.DELETE)[1] is LcmState.CLEANUP_DELETE


def test_every_state_can_be_left_but_done() -> None:
    places = set(TRANSITIONS.values()) | {(state, lcm) for state, lcm, _ in TRANSITIONS}
    stuck = [at for at in places if all(TRANSITIONS.get((*at, event), at) == at for event in VmEvent)]

    assert stuck == [place("DONE")]


def test_the_lcm_state_counts_only_in_active() -> None:
    for state, lcm in TRANSITIONS.values():
        assert (state is VmState.ACTIVE) is (lcm is not LcmState.LCM_INIT)


def test_every_lcm_state_has_its_place_in_the_table() -> None:
    reached = {lcm for _, lcm in TRANSITIONS.values()}

    assert reached == set(LcmState)


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("PENDING", False),
        ("PROLOG", True),
        ("RUNNING", True),
        ("UNKNOWN", True),
        ("SUSPENDED", True),
        ("POWEROFF", True),
        ("BOOT_FAILURE", True),
        ("EPILOG", False),
        ("EPILOG_STOP_FAILURE", False),
        ("STOPPED", False),
        ("HOTPLUG_SAVEAS_STOPPED", False),
        ("DONE", False),
    ],
)
def test_capacity_is_held_from_prolog_until_the_guest_is_gone(name: str, *, holds: bool) -> None:
    assert holds_capacity(*place(name)) is holds


@pytest.mark.parametrize(
    ("states", "may_run"),
    [
        (
            "RUNNING UNKNOWN BOOT BOOT_FAILURE BOOT_POWEROFF SHUTDOWN SHUTDOWN_POWEROFF MIGRATE SAVE_STOP",
            True,
        ),
        ("HOTPLUG HOTPLUG_NIC BACKUP CLEANUP_DELETE CLEANUP_RESUBMIT PROLOG_MIGRATE_UNKNOWN", True),
        ("PROLOG PROLOG_FAILURE PROLOG_MIGRATE PROLOG_RESUME EPILOG EPILOG_STOP_FAILURE", False),
        ("HOTPLUG_PROLOG_POWEROFF DISK_RESIZE_UNDEPLOYED RESTORE", False),
        ("PENDING POWEROFF SUSPENDED STOPPED UNDEPLOYED DONE", False),
    ],
)
def test_a_guest_may_run_in_these_states(states: str, may_run: bool) -> None:
    assert {name: may_have_guest(*place(name)) for name in states.split()} == dict.fromkeys(
        states.split(), may_run
    )
