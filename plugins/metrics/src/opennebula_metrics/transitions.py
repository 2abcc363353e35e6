"""Counts of states reached. They outlive the core's restarts, as counters should."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Final

from opennebula_core.contracts.event import StateChange
from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.store import Store
from opennebula_core.db.transaction import Transaction
from opennebula_core.model.states import HostState, ImageState, LcmState, VmState
from opennebula_metrics.tokens import forget_tokens_of_nobody

PAUSE_S: Final = 10.0
"""Between two times of writing; what was counted since the last one is lost when the core is killed."""

_STATES: Final = {ObjectKind.HOST: HostState, ObjectKind.IMAGE: ImageState}


def vm_state_name(state: int, lcm_state: int) -> str:
    """Return the state that says most: the LCM state of an active VM, else the state."""
    return LcmState(lcm_state).name if state == VmState.ACTIVE else VmState(state).name


class StateChanges:
    """Counts in memory, on the event loop, and adds up in the database now and then."""

    def __init__(self) -> None:
        self._new: Counter[tuple[str, str]] = Counter()

    def count(self, change: StateChange) -> None:
        """Count what came into a state; what was removed did not."""
        if change.after < 0:
            return
        if change.kind is ObjectKind.VM:
            self._new["vm", vm_state_name(change.after, change.lcm_after)] += 1
        elif change.kind in _STATES:
            self._new[change.kind.lower(), _STATES[change.kind](change.after).name] += 1

    async def keep(self, store: Store) -> None:
        """Write what was counted, again and again, and a last time when the core ends."""
        try:
            while True:
                await asyncio.sleep(PAUSE_S)
                await self._write(store)
        finally:
            await self._write(store)

    async def _write(self, store: Store) -> None:
        counted, self._new = self._new, Counter()
        try:
            await store.write(lambda tx: _add(tx, counted))
        except BaseException:
            self._new.update(counted)
            raise


def _add(tx: Transaction, counted: Counter[tuple[str, str]]) -> None:
    for (kind, state), number in counted.items():
        tx.execute(
            "INSERT INTO metrics_state_change VALUES (?, ?, ?) "
            "ON CONFLICT (kind, state) DO UPDATE SET number = number + excluded.number",
            (kind, state, number),
        )
    forget_tokens_of_nobody(tx)
