"""Hooks: commands that the core runs when a state is reached or a call is made."""

from __future__ import annotations

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.pool import NameScope, Pool
from opennebula_core.db.tables import HookRow
from opennebula_core.model.objects import Hook


class HookPool(Pool[Hook]):
    """The hooks."""

    row = HookRow
    value = Hook
    kind = ObjectKind.HOOK
    title = "hook"
    names = NameScope.POOL

    def drop_children(self, object_id: int) -> None:
        """Remove what waits, and the log; what runs goes on, and nobody hears of its end."""
        self.tx.execute("DELETE FROM hook_execution WHERE hook_id = ?", (object_id,))
