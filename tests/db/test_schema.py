from __future__ import annotations

import pytest

from opennebula_core.db.store import Store
from opennebula_core.db.tables import POOL_TABLES, HistoryRow


@pytest.mark.parametrize("table", [*POOL_TABLES, HistoryRow], ids=lambda table: table._meta.table_name)
def test_the_models_are_what_the_migrations_make(store: Store, table: type) -> None:
    name = table._meta.table_name  # type: ignore[attr-defined] # peewee's models
    rows = store.read(lambda tx: tx.query(f'PRAGMA table_info("{name}")'))
    made = {row[1]: (row[2], not row[3] and not row[5]) for row in rows}
    declared = {
        field.column_name: (
            "INTEGER" if field.field_type in ("INT", "INTEGER") else field.field_type,
            field.null,
        )
        for field in table._meta.sorted_fields  # type: ignore[attr-defined] # peewee's models
    }
    assert made == declared
