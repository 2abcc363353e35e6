"""Tells plugins of changes of state, after the commit and in its order."""

from __future__ import annotations

from opennebula_core.contracts.event import StateChange
from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.connection import Change
from opennebula_core.managers.core import Core
from opennebula_core.model.states import HostState, ImageState, LcmState, VmState

_STATES = {ObjectKind.VM: VmState, ObjectKind.HOST: HostState, ObjectKind.IMAGE: ImageState}
NONE = -1


class StateAnnouncer:
    """Listens to commits; remembers the last state of each object it has spoken of."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._last: dict[tuple[ObjectKind, int], tuple[int, int]] = {}

    def committed(self, changes: list[Change]) -> None:
        """Tell of the changes of one commit."""
        if not self._core.hooks.hears_states:
            return
        for change in changes:
            after = self._after(change)
            if after is None:
                continue
            key = (change.kind, change.object_id)
            before = self._last.get(key, (NONE, 0))
            self._last[key] = after
            if before != after:
                self._core.hooks.state_changed(
                    StateChange(
                        change.seq, change.kind, change.object_id, before[0], after[0], before[1], after[1]
                    )
                )

    def _after(self, change: Change) -> tuple[int, int] | None:
        states = _STATES.get(change.kind)
        if states is None:
            return None
        if change.event == "delete":
            return (NONE, 0)
        words = change.event.split()
        if words[0] != "state" or len(words) < 2:
            return None
        return int(states[words[1]]), int(LcmState[words[2]]) if len(words) > 2 else 0
