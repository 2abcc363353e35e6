"""Virtual data centres, with their groups and resources in tables of their own."""

from __future__ import annotations

from typing import Any

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.pool import Child, NameScope, Pool
from opennebula_core.db.tables import VdcRow
from opennebula_core.model.objects import Vdc, VdcResource


def _resources(rows: list[list[Any]]) -> list[VdcResource]:
    return sorted(VdcResource(*row) for row in rows)


class VdcPool(Pool[Vdc]):
    """The virtual data centres."""

    row = VdcRow
    value = Vdc
    kind = ObjectKind.VDC
    title = "VDC"
    names = NameScope.POOL
    first_id = 100
    children = {  # noqa: RUF012 - a ClassVar of the base class
        "group_ids": Child("group_id", "vdc_group WHERE vdc_id = t1.id"),
        "resources": Child(
            "json_array(kind, zone_id, resource_id)", "vdc_resource WHERE vdc_id = t1.id", _resources
        ),
    }

    def save_children(self, saved: Vdc) -> None:
        """Write what has changed of groups and resources: every new group comes into the same VDC."""
        resources = [(item.kind, item.zone_id, item.resource_id) for item in saved.resources]
        self._write("vdc_group", ("group_id",), saved.id, [(group_id,) for group_id in saved.group_ids])
        self._write("vdc_resource", ("kind", "zone_id", "resource_id"), saved.id, resources)

    def _write(
        self, table: str, columns: tuple[str, ...], vdc_id: int, wanted: list[tuple[Any, ...]]
    ) -> None:
        present = self.tx.query(f"SELECT {', '.join(columns)} FROM {table} WHERE vdc_id = ?", (vdc_id,))
        is_gone = " AND ".join(f"{column} = ?" for column in ("vdc_id", *columns))
        marks = ", ".join("?" * (1 + len(columns)))
        gone, new = set(present) - set(wanted), set(wanted) - set(present)
        self.tx.execute_many(f"DELETE FROM {table} WHERE {is_gone}", [(vdc_id, *row) for row in gone])
        self.tx.execute_many(f"INSERT INTO {table} VALUES ({marks})", [(vdc_id, *row) for row in new])

    def drop_children(self, object_id: int) -> None:
        """Remove what says which groups and resources it has."""
        self.tx.execute("DELETE FROM vdc_group WHERE vdc_id = ?", (object_id,))
        self.tx.execute("DELETE FROM vdc_resource WHERE vdc_id = ?", (object_id,))

    def granted(self, group_ids: list[int]) -> list[tuple[int, VdcResource]]:
        """Return what VDCs give to these groups, each group with each resource of its VDCs."""
        marks = ",".join("?" * len(group_ids))
        rows = self.tx.query(
            "SELECT DISTINCT group_id, kind, zone_id, resource_id FROM vdc_group "
            f"JOIN vdc_resource USING (vdc_id) WHERE group_id IN ({marks})",
            group_ids,
        )
        return [(row[0], VdcResource(*row[1:])) for row in rows]

    def with_group(self, group_id: int) -> list[Vdc]:
        """Return the VDCs that a group is in."""
        return self.where("id IN (SELECT vdc_id FROM vdc_group WHERE group_id = ?) ORDER BY id", (group_id,))

    def with_resource(self, resource: VdcResource) -> list[Vdc]:
        """Return the VDCs that name a resource itself."""
        return self.where(
            "id IN (SELECT vdc_id FROM vdc_resource WHERE kind = ? AND resource_id = ? AND zone_id = ?) "
            "ORDER BY id",
            (resource.kind, resource.resource_id, resource.zone_id),
        )
