"""Tells plugins of changes of state, after the commit and in its order."""

from __future__ import annotations

from typing import Final

from opennebula_core.contracts.event import StateChange
from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.connection import Change
from opennebula_core.db.transaction import Snapshot
from opennebula_core.managers.core import Core
from opennebula_core.model.states import HostState, ImageState, LcmState, VmState

_STATES: Final = {ObjectKind.VM: VmState, ObjectKind.HOST: HostState, ObjectKind.IMAGE: ImageState}
_PRESENT: Final = {
    ObjectKind.VM: "SELECT id, state, lcm_state FROM vm WHERE state <> 6",
    ObjectKind.HOST: "SELECT id, state, 0 FROM host",
    ObjectKind.IMAGE: "SELECT id, state, 0 FROM image",
}
NONE: Final = -1
Place = tuple[int, int]
_GONE: Final[Place] = (NONE, 0)


class StateAnnouncer:
    """Listens to commits; remembers the last state of each object that is not at its end.

    Without a plugin that listens it does nothing.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._last = core.store.read(_present) if core.hooks.hears_states else {}

    def committed(self, changes: list[Change]) -> None:
        """Tell of the changes of one commit."""
        if not self._core.hooks.hears_states:
            return
        for change in changes:
            after = _after(change)
            if after is not None:
                self._tell(change, after)

    def _tell(self, change: Change, after: Place) -> None:
        key = (change.kind, change.object_id)
        before = self._last.pop(key, _GONE)
        if after != _GONE and key[0:1] + after[0:1] != (ObjectKind.VM, VmState.DONE):
            self._last[key] = after
        if before != after:
            self._core.hooks.state_changed(
                StateChange(
                    change.seq, change.kind, change.object_id, before[0], after[0], before[1], after[1]
                )
            )


def _present(tx: Snapshot) -> dict[tuple[ObjectKind, int], Place]:
    return {(kind, row[0]): (row[1], row[2]) for kind, sql in _PRESENT.items() for row in tx.query(sql)}


def _after(change: Change) -> Place | None:
    """Return the state that a change speaks of, None when it speaks of none."""
    states = _STATES.get(change.kind)
    if states is None:
        return None
    if change.event == "delete":
        return _GONE
    word, *names = change.event.split()
    if word not in ("allocate", "state") or not names:
        return None
    return int(states[names[0]]), int(LcmState[names[1]]) if len(names) > 1 else 0
