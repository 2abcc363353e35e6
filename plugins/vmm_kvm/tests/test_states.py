from __future__ import annotations

import pytest

from opennebula_core.contracts.vmm import GuestState
from opennebula_vmm_kvm.states import DomainState


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("", GuestState.POWEROFF),
        ("shut off (destroyed)", GuestState.POWEROFF),
        ("shut off (crashed)", GuestState.FAILURE),
        ("running (booted)\n", GuestState.RUNNING),
        ("idle", GuestState.RUNNING),
        ("in shutdown", GuestState.RUNNING),
        ("paused (migrating)", GuestState.RUNNING),
        ("paused (saving)", GuestState.RUNNING),
        ("paused (user)", GuestState.SUSPENDED),
        ("paused (I/O error)", GuestState.SUSPENDED),
        ("pmsuspended", GuestState.SUSPENDED),
        ("paused (unknown)", GuestState.FAILURE),
        ("crashed (panicked)", GuestState.FAILURE),
        ("no state", GuestState.UNKNOWN),
    ],
)
def test_a_line_of_virsh_has_a_word_of_monitoring(line: str, word: GuestState) -> None:
    assert DomainState.parse(line).as_guest_state() is word


@pytest.mark.parametrize("line", ["running (booted)", "paused (user)", "paused (I/O error)", "pmsuspended"])
def test_a_guest_that_could_go_on_is_alive(line: str) -> None:
    assert DomainState.parse(line).is_alive


@pytest.mark.parametrize(
    ("line", "is_held", "is_asleep"),
    [
        ("running (booted)", False, False),
        ("paused (user)", True, False),
        ("pmsuspended", True, True),
        ("", False, False),
    ],
)
def test_a_guest_that_stands_still_may_be_held_or_asleep(line: str, is_held: bool, is_asleep: bool) -> None:
    state = DomainState.parse(line)
    assert (state.is_held, state.is_asleep) == (is_held, is_asleep)


@pytest.mark.parametrize("line", ["", "shut off (saved)", "crashed (panicked)", "paused (unknown)"])
def test_a_guest_that_could_not_go_on_is_not_alive(line: str) -> None:
    assert not DomainState.parse(line).is_alive
