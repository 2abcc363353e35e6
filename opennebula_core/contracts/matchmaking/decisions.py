"""What a scheduler policy may decide about a VM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Placement:
    """Deploy a pending VM; ``datastore_id`` -1 leaves the system datastore to the core."""

    vm_id: int
    host_id: int
    datastore_id: int = -1


@dataclass(frozen=True, slots=True)
class Migration:
    """Move a VM that is flagged to be rescheduled.

    :param cold_mode: when not ``live``: 0 save and restore, 1 power off, 2 power off hard
    """

    vm_id: int
    host_id: int
    datastore_id: int = -1
    live: bool = False
    cold_mode: int = 0


@dataclass(frozen=True, slots=True)
class VmCommand:
    """Do to a VM what a user could: an action of ``one.vm.action``, such as ``terminate``."""

    vm_id: int
    action: str


@dataclass(frozen=True, slots=True)
class Annotation:
    """Merge attributes, in template syntax, into a VM's user template."""

    vm_id: int
    text: str


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A VM stays where it is for now; its SCHED_MESSAGE says why.

    :param reasons: condition that failed -> number of hosts that failed it
    """

    vm_id: int
    message: str
    reasons: Mapping[str, int] = field(default_factory=dict)


Decision = Placement | Migration | VmCommand | Annotation | Unplaced
