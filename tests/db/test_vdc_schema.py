"""The migration that brings VDCs changes nobody's rights."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from opennebula_core.db.migrations import MIGRATIONS, migrate
from opennebula_core.db.store import Store
from opennebula_core.db.transaction import Transaction
from opennebula_core.db.vdc_schema import add_vdcs
from opennebula_core.managers.access.rules import add_rule
from opennebula_core.managers.bootstrap import FirstPlaces, FirstUsers, bootstrap
from opennebula_core.model.acl import parse_rule
from opennebula_core.model.objects import AclRule, Group, Vdc

AS_IN_THE_VDC = ("HOST/* MANAGE #0", "NET/* USE #0", "DATASTORE/* USE #0")
GROUPS = {
    100: AS_IN_THE_VDC,
    101: AS_IN_THE_VDC[:2],
    102: (),
    103: ("HOST/* USE+MANAGE #0", *AS_IN_THE_VDC[1:]),
    104: (*AS_IN_THE_VDC, "HOST/#7 ADMIN #0"),
    105: tuple(text.replace("#0", "*") for text in AS_IN_THE_VDC),
}


def _fill(tx: Transaction) -> None:
    bootstrap(tx, FirstUsers("oneadmin", "a", "b"), FirstPlaces("/srv/one", "/srv/two", (), ()))
    for group_id, texts in GROUPS.items():
        tx.groups.allocate(Group(group_id, f"g{group_id}"))
        for text in texts:
            add_rule(tx, parse_rule(f"@{group_id} {text}"))


def _read(path: Path) -> tuple[list[Vdc], list[AclRule]]:
    store = Store(path, synchronous="OFF")
    try:
        return store.read(lambda tx: (tx.vdcs.where(), tx.acl_rules()))
    finally:
        store.close()


def test_groups_with_the_rules_of_the_default_vdc_are_in_it_and_no_rule_changes(tmp_path: Path) -> None:
    path = tmp_path / "one.db"
    store = Store(path, synchronous="OFF")
    store.write_now(_fill)
    store.close()
    (fresh,), rules = _read(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for table in ("vdc", "vdc_group", "vdc_resource"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("BEGIN")
        add_vdcs(connection)
        connection.execute("COMMIT")

    (vdc,), after = _read(path)

    assert (fresh.group_ids, vdc.group_ids) == ([1], [1, 100, 104])
    vdc.group_ids = fresh.group_ids
    assert vdc == fresh
    assert after == rules


def test_an_empty_database_is_left_to_the_first_start(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "one.db", isolation_level=None)) as connection:
        migrate(connection)
        assert MIGRATIONS[-1].version == connection.execute("PRAGMA user_version").fetchone()[0]
        for table in ("vdc", "vdc_group", "vdc_resource"):
            assert connection.execute(f"SELECT * FROM {table}").fetchall() == []
