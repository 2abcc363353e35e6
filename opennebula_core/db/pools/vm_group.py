"""Groups of VMs; which VM is in which role is a table of its own, so that no VM rewrites a group's row."""

from __future__ import annotations

from typing import Any

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.pool import Child, NameScope, Pool
from opennebula_core.db.tables import VmGroupRow
from opennebula_core.model.objects import VmGroup
from opennebula_core.model.template import Template


def _members(rows: list[list[Any]]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for role_id, vm_id in sorted(rows):
        found.setdefault(role_id, []).append(vm_id)
    return found


class VmGroupPool(Pool[VmGroup]):
    """The groups of VMs. Saving a group does not touch its members: they join and leave by themselves."""

    row = VmGroupRow
    value = VmGroup
    kind = ObjectKind.VMGROUP
    title = "vm group"
    names = NameScope.OWNER
    decoders = {"roles": Template.from_json}  # noqa: RUF012 - a ClassVar of the base class
    children = {  # noqa: RUF012 - a ClassVar of the base class
        "members": Child("json_array(role_id, vm_id)", "vm_group_member WHERE group_id = t1.id", _members)
    }

    def join(self, group_id: int, role_id: int, vm_id: int) -> None:
        """Put a VM that is in no group into a role."""
        self.tx.execute(
            "INSERT INTO vm_group_member (vm_id, group_id, role_id) VALUES (?, ?, ?)",
            (vm_id, group_id, role_id),
        )
        self.tx.emit(self.kind, group_id, "update")

    def leave(self, vm_id: int) -> int | None:
        """Take a VM out of its role, if it is in one, and return the group that it has left."""
        row = self.tx.one("DELETE FROM vm_group_member WHERE vm_id = ? RETURNING group_id", (vm_id,))
        if row is None:
            return None
        self.tx.emit(self.kind, row[0], "update")
        return int(row[0])

    def group_of(self, vm_id: int) -> int | None:
        """Return the group that a VM is in, None when it is in none."""
        row = self.tx.one("SELECT group_id FROM vm_group_member WHERE vm_id = ?", (vm_id,))
        return None if row is None else int(row[0])

    def drop_children(self, object_id: int) -> None:
        """Remove the members; the manager removes only groups that have none."""
        self.tx.execute("DELETE FROM vm_group_member WHERE group_id = ?", (object_id,))
