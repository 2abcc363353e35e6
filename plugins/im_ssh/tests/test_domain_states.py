from __future__ import annotations

import pytest

from opennebula_core.contracts.vmm import GuestState
from opennebula_im_ssh.domain_states import guest_state

# numbers: virDomainState, virDomainPausedReason and virDomainShutoffReason of libvirt-domain.h
CASES = {
    "running": (1, 1, GuestState.RUNNING),
    "idle": (2, 0, GuestState.RUNNING),
    "paused by somebody": (3, 1, GuestState.SUSPENDED),
    "being migrated": (3, 2, GuestState.RUNNING),
    "being saved": (3, 3, GuestState.RUNNING),
    "disk full": (3, 5, GuestState.FAILURE),
    "paused by a crash": (3, 10, GuestState.FAILURE),
    "starting up": (3, 11, GuestState.UNKNOWN),
    "paused for a new reason": (3, 99, GuestState.UNKNOWN),
    "shutting down": (4, 1, GuestState.RUNNING),
    "shut down": (5, 1, GuestState.POWEROFF),
    "destroyed": (5, 2, GuestState.POWEROFF),
    "shut off by a crash": (5, 3, GuestState.FAILURE),
    "moved to another host": (5, 4, None),
    "crashed": (6, 1, GuestState.FAILURE),
    "asleep": (7, 0, GuestState.RUNNING),
    "a new state": (42, 0, GuestState.UNKNOWN),
}


@pytest.mark.parametrize(("state", "reason", "word"), CASES.values(), ids=CASES.keys())
def test_a_domain_is(state: int, reason: int, word: GuestState | None) -> None:
    assert guest_state(state, reason) is word
