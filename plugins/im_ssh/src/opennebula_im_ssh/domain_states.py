"""What libvirt's domain states mean to the cloud.

The core acts on these words: SUSPENDED and POWEROFF end a VM's being RUNNING, FAILURE makes it UNKNOWN. So a
domain that only stands still for a moment (its memory is saved or moved, a snapshot is taken) is RUNNING, and
one of which nothing certain can be said is UNKNOWN, on which the core does nothing.
"""

from __future__ import annotations

from opennebula_core.contracts.vmm import GuestState

RUNNING, POWEROFF = GuestState.RUNNING, GuestState.POWEROFF
SUSPENDED, FAILURE, UNKNOWN = GuestState.SUSPENDED, GuestState.FAILURE, GuestState.UNKNOWN

PAUSED = 3
SHUT_OFF = 5

STATES = {
    0: UNKNOWN,  # no state
    1: RUNNING,
    2: RUNNING,  # blocked: idle
    3: UNKNOWN,  # paused, for a reason that is not below
    4: RUNNING,  # in shutdown: the guest still works on it
    5: POWEROFF,  # shut off, for a reason that is not below
    6: FAILURE,  # crashed
    7: RUNNING,  # the guest sent itself to sleep, and can wake by itself
}
"""Source: virDomainState in libvirt-domain.h."""

PAUSE_REASONS = {
    0: FAILURE,  # unknown: what a failure inside KVM shows as
    1: SUSPENDED,  # by somebody
    2: RUNNING,  # being migrated
    3: RUNNING,  # being saved
    4: RUNNING,  # being dumped
    5: FAILURE,  # input or output error, such as a full disk
    6: FAILURE,  # watchdog
    7: SUSPENDED,  # reverted to a snapshot of a paused domain
    8: RUNNING,  # shutting down
    9: RUNNING,  # snapshot being taken
    10: FAILURE,  # crashed
    11: UNKNOWN,  # starting up: no guest yet
    12: RUNNING,  # being migrated, post-copy
    13: FAILURE,  # post-copy failed
    14: FAILURE,  # post-copy failed, or libvirt lost control
}
"""Source: virDomainPausedReason in libvirt-domain.h."""

SHUT_OFF_REASONS = {
    3: FAILURE,  # crashed
    6: FAILURE,  # failed to start
}
"""Source: virDomainShutoffReason in libvirt-domain.h."""

MIGRATED = 4
"""The reason with which a domain that moved to another host stays defined where it was."""


def guest_state(state: int, reason: int) -> GuestState | None:
    """Return the word for libvirt's numbers; None for a domain that is on another host now."""
    if state == PAUSED:
        return PAUSE_REASONS.get(reason, UNKNOWN)
    if state == SHUT_OFF:
        return None if reason == MIGRATED else SHUT_OFF_REASONS.get(reason, POWEROFF)
    return STATES.get(state, UNKNOWN)
