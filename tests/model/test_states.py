from __future__ import annotations

import pytest

from opennebula_core.model.states import (
    DatastoreState,
    DatastoreType,
    HistoryAction,
    HostState,
    ImageState,
    ImageType,
    LcmState,
    NetworkState,
    VmState,
)


@pytest.mark.parametrize(
    ("state", "number", "short"),
    [
        (VmState.PENDING, 1, "pend"),
        (VmState.POWEROFF, 8, "poff"),
        (VmState.CLONING_FAILURE, 11, "fail"),
        (LcmState.RUNNING, 3, "runn"),
        (LcmState.UNKNOWN, 16, "unkn"),
        (LcmState.PROLOG_MIGRATE_UNKNOWN_FAILURE, 61, "fail"),
        (LcmState.PROLOG_MIGRATE, 8, "migr"),
        (LcmState.DISK_RESIZE_UNDEPLOYED, 64, "drsz"),
        (LcmState.RESTORE, 71, "rest"),
        (HostState.MONITORED, 2, "on"),
        (HostState.OFFLINE, 8, "off"),
        (ImageState.READY, 1, "rdy"),
        (ImageType.DATABLOCK, 2, "DB"),
        (DatastoreType.SYSTEM_DS, 1, "sys"),
        (DatastoreState.DISABLED, 1, "off"),
        (NetworkState.READY, 1, "rdy"),
        (HistoryAction.LIVE_MIGRATE, 2, "live-migrate"),
        (HistoryAction.RESTORE, 60, "restore"),
    ],
    ids=lambda value: str(value),
)
def test_a_state_has_opennebulas_number_and_word(state: VmState, number: int, short: str) -> None:
    assert state.value == number
    assert state.short == short


@pytest.mark.parametrize(
    "states",
    [VmState, LcmState, HostState, ImageState, ImageType, DatastoreType, DatastoreState, NetworkState],
    ids=lambda states: states.__name__,
)
def test_every_state_has_a_word_of_at_most_four_letters(states: type[VmState]) -> None:
    assert all(1 <= len(state.short) <= 4 for state in states)


def test_failure_states_know_that_they_are() -> None:
    failures = {state.name for state in LcmState if state.is_failure}

    assert "BOOT_FAILURE" in failures
    assert "BOOT" not in failures
    assert len(failures) == 14
