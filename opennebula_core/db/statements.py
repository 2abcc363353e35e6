"""Statements that every pool needs, written with peewee once and kept as SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from peewee import SQL

from opennebula_core.db.tables import PoolRow


@dataclass(frozen=True, slots=True)
class PoolStatements:
    """The SQL of one pool; ``columns`` is the order of values in rows, inserts and updates."""

    table: str
    columns: tuple[str, ...]
    select: str
    by_id: str
    insert: str
    update: str
    delete: str
    access: str


def pool_statements(
    row: type[PoolRow],
    columns: Sequence[str],
    stored_only: Sequence[str],
    children: Sequence[str] = (),
    counter: str = "",
) -> PoolStatements:
    """Compile the statements for a table.

    :param columns: what is read and written
    :param stored_only: what is written but not read back: documents and sums
    :param children: SQL expressions that are read behind the columns
    :param counter: a column that grows with each update, none when empty
    """
    fields = [*(getattr(row, name) for name in columns), *map(SQL, children)]
    written = {name: 0 for name in (*columns, *stored_only)}
    changed: dict[str, object] = {name: 0 for name in (*columns[1:], *stored_only)}
    if counter:
        changed[counter] = SQL(f"{counter} + 1")
    access = [getattr(row, name) for name in ("name", "uid", "gid", "permissions", "lock_level")]
    return PoolStatements(
        table=row._meta.table_name,
        columns=tuple(columns),
        select=row.select(*fields).sql()[0],
        by_id=row.select(*fields).where(row.id == 0).sql()[0],
        insert=row.insert(**written).sql()[0],
        update=row.update(**changed).where(row.id == 0).sql()[0],
        delete=row.delete().where(row.id == 0).sql()[0],
        access=row.select(*access).where(row.id == 0).sql()[0],
    )
