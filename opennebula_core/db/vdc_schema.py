"""The tables of VDCs, and the default one of a cloud that has none yet. Frozen: see the migrations."""

from __future__ import annotations

import sqlite3
from typing import Final

from opennebula_core.db.schema import pool_table

STATEMENTS: Final = (
    pool_table("vdc"),
    "CREATE UNIQUE INDEX vdc_name ON vdc (name)",
    """CREATE TABLE vdc_group (vdc_id INTEGER NOT NULL, group_id INTEGER NOT NULL,
        PRIMARY KEY (vdc_id, group_id)) WITHOUT ROWID""",
    "CREATE INDEX vdc_group_group ON vdc_group (group_id)",
    """CREATE TABLE vdc_resource (vdc_id INTEGER NOT NULL, kind TEXT NOT NULL, zone_id INTEGER NOT NULL,
        resource_id INTEGER NOT NULL, PRIMARY KEY (vdc_id, kind, zone_id, resource_id)) WITHOUT ROWID""",
    "CREATE INDEX vdc_resource_resource ON vdc_resource (kind, resource_id)",
)
_DESCRIPTION: Final = (
    "New groups come into this VDC, which is what they may use unless they are taken out of it."
)
_RULES: Final = (
    (0x24_0000_0000, 2),  # HOST/* MANAGE
    (0x44_0000_0000, 1),  # NET/* USE
    (0x1004_0000_0000, 1),  # DATASTORE/* USE
)
_OF_GROUP, _THIS_ZONE = 0x2_0000_0000, 0x1_0000_0000
# Whoever has exactly the rules of the default VDC is in it, and nobody's rules change: a group that was
# given less, or whose rules were taken back, is left out.
_HAS_RULE: Final = " AND ".join(
    f"""EXISTS (SELECT 1 FROM acl WHERE user = {_OF_GROUP} + "group".id AND resource = {resource}
        AND rights = {rights} AND zone = {_THIS_ZONE})"""
    for resource, rights in _RULES
)
DEFAULT_VDC: Final = (
    f"""INSERT INTO vdc (id, name, uid, gid, uname, gname, permissions, template)
        VALUES (0, 'default', 0, 0, '', '', 384, '{{"DESCRIPTION":["{_DESCRIPTION}"]}}')""",
    "INSERT INTO vdc_resource VALUES (0, 'CLUSTER', 0, -10)",
    f'INSERT INTO vdc_group SELECT 0, id FROM "group" WHERE {_HAS_RULE}',
)


def add_vdcs(connection: sqlite3.Connection) -> None:
    """Make the tables; a database in use gets the default VDC, with the groups that use it already."""
    for statement in STATEMENTS:
        connection.execute(statement)
    if connection.execute("SELECT 1 FROM user LIMIT 1").fetchone() is not None:
        for statement in DEFAULT_VDC:
            connection.execute(statement)
