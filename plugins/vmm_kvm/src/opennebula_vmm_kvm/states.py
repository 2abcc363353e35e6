"""A domain's state as virsh tells it, and what it means to us."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from opennebula_core.contracts.vmm import GuestState

# Source: libvirt, virsh-domain-monitor: the words of ``virsh domstate --reason``.
ALIVE = frozenset({"running", "idle", "paused", "in shutdown", "pmsuspended"})
RUNNING = frozenset({"running", "idle", "in shutdown"})
BROKEN_PAUSES = frozenset({"unknown", "crashed", "shutting down", "api error"})
"""Reasons of a pause out of which a guest does not come; 'unknown' is what a failure of KVM itself shows."""

PASSING_PAUSES = frozenset(
    {"starting up", "migrating", "saving", "dumping", "post-copy", "creating snapshot"}
)
"""Reasons of a pause that ends by itself."""


@dataclass(frozen=True, slots=True)
class DomainState:
    """State and reason; the state is empty when the host has no such domain."""

    state: str
    reason: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a line such as ``paused (saving)``; nothing means that there is no domain."""
        state, _, reason = text.strip().partition(" (")
        return cls(state, reason.rstrip(")"))

    def __str__(self) -> str:
        return f"{self.state} ({self.reason})" if self.reason else self.state or "not there"

    @property
    def is_gone(self) -> bool:
        """Whether the host has no such domain, running or defined."""
        return not self.state

    @property
    def is_alive(self) -> bool:
        """Whether there is a guest whose memory is worth keeping: it runs, or could go on."""
        return self.state in ALIVE and not (self.state == "paused" and self.reason in BROKEN_PAUSES)

    @property
    def is_running(self) -> bool:
        """Whether the guest's processors run."""
        return self.state in RUNNING

    @property
    def is_held(self) -> bool:
        """Whether the processors of a guest stand still that could go on."""
        return self.is_alive and not self.is_running

    @property
    def is_asleep(self) -> bool:
        """Whether the guest has put itself to sleep: nobody holds it, and a resume would not wake it."""
        return self.state == "pmsuspended"

    @property
    def is_passing(self) -> bool:
        """Whether libvirt is in the middle of something with the domain."""
        return self.state == "paused" and self.reason in PASSING_PAUSES

    def as_guest_state(self) -> GuestState:
        """Return the word of monitoring for it."""
        if self.is_gone:
            return GuestState.POWEROFF
        if self.is_running or self.is_passing:
            return GuestState.RUNNING
        if self.state == "crashed" or (self.state == "paused" and not self.is_alive):
            return GuestState.FAILURE
        if self.state in ("paused", "pmsuspended"):
            return GuestState.SUSPENDED
        if self.state == "shut off":
            return GuestState.FAILURE if self.reason in ("crashed", "failed") else GuestState.POWEROFF
        return GuestState.UNKNOWN
