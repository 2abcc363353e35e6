"""The schema's history: numbered, frozen steps; the file's ``user_version`` says which have run.

A step is never edited once released; what changes is a new step at the end of :data:`MIGRATIONS`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from opennebula_core.db.hook_schema import add_hooks, index_waiting_hooks
from opennebula_core.db.network_template_schema import add_network_templates
from opennebula_core.db.quota_schema import add_quotas
from opennebula_core.db.rebalancing_schema import add_cluster_plans
from opennebula_core.db.schedule_schema import add_scheduled_actions
from opennebula_core.db.schema import INITIAL_SCHEMA
from opennebula_core.db.security_group_schema import add_vms_of_groups
from opennebula_core.db.snapshot_schema import add_image_snapshots
from opennebula_core.db.vdc_schema import add_vdcs
from opennebula_core.db.views import ACCOUNTING_VIEWS
from opennebula_core.db.vm_group_schema import add_vm_groups
from opennebula_core.errors import StoreError


@dataclass(frozen=True, slots=True)
class Migration:
    """One step from ``version - 1`` to ``version``."""

    version: int
    title: str
    apply: Callable[[sqlite3.Connection], None]


def _create_initial_schema(connection: sqlite3.Connection) -> None:
    for statement in (*INITIAL_SCHEMA, *ACCOUNTING_VIEWS):
        connection.execute(statement)


def _number_vm_revisions(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE vm ADD COLUMN revision INTEGER NOT NULL DEFAULT 0")
    # All that a listing asks for, apart from the documents themselves.
    connection.execute(
        "CREATE INDEX vm_listing ON vm (id, uid, gid, permissions, state, revision) WHERE state <> 6"
    )


def _add_login_tokens(connection: sqlite3.Connection) -> None:
    # expires: epoch seconds, -1 never; group_id: -1 all groups; key_id: which key they are stored under.
    connection.execute(
        """CREATE TABLE login_token (user_id INTEGER NOT NULL, digest TEXT NOT NULL, key_id TEXT NOT NULL,
            sealed TEXT NOT NULL, expires INTEGER NOT NULL, group_id INTEGER NOT NULL,
            PRIMARY KEY (user_id, digest)) WITHOUT ROWID"""
    )


MIGRATIONS: tuple[Migration, ...] = (
    Migration(1, "initial schema", _create_initial_schema),
    Migration(2, "revisions of VMs", _number_vm_revisions),
    Migration(3, "scheduled actions", add_scheduled_actions),
    Migration(4, "hooks", add_hooks),
    Migration(5, "login tokens", _add_login_tokens),
    Migration(6, "quotas of users and groups", add_quotas),
    Migration(7, "templates of networks", add_network_templates),
    Migration(8, "VMs of security groups", add_vms_of_groups),
    Migration(9, "virtual data centres", add_vdcs),
    Migration(10, "groups of VMs", add_vm_groups),
    Migration(11, "waiting hooks", index_waiting_hooks),
    Migration(12, "snapshots of images", add_image_snapshots),
    Migration(13, "plans of clusters", add_cluster_plans),
)
CURRENT_VERSION = MIGRATIONS[-1].version


def schema_version(connection: sqlite3.Connection) -> int:
    """Return the version that the file has; 0 is an empty file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection) -> list[Migration]:
    """Bring the schema to :data:`CURRENT_VERSION`, each step in a transaction of its own.

    :returns: the steps that were run
    :raises StoreError: the file was written by a newer release, or a step failed (the file is unchanged then)
    """
    version = schema_version(connection)
    if version > CURRENT_VERSION:
        raise StoreError(
            f"the database has schema version {version}, this release knows {CURRENT_VERSION}: "
            f"it was written by a newer release; install that release or restore an older backup"
        )
    steps = [step for step in MIGRATIONS if step.version > version]
    for step in steps:
        _run(connection, step)
    return steps


def _run(connection: sqlite3.Connection, step: Migration) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        step.apply(connection)
        connection.execute(f"PRAGMA user_version = {step.version}")
    except sqlite3.Error as error:
        connection.execute("ROLLBACK")
        raise StoreError(
            f"migration {step.version} ({step.title}) failed: {error}; nothing was changed"
        ) from error
    connection.execute("COMMIT")
