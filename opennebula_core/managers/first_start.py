"""What a daemon makes before it answers: the tables that are missing, and a new cloud's first objects."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from opennebula_core.config import Config
from opennebula_core.config.location import Location
from opennebula_core.config.private_files import close_to_others
from opennebula_core.contracts.kinds import group_of
from opennebula_core.contracts.manager import ManagerRegistry, table_name
from opennebula_core.db.plugin_tables import create_tables, migrate_plugins
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import ConfigError
from opennebula_core.managers.bootstrap import FirstPlaces, FirstUsers, bootstrap, is_new
from opennebula_core.plugins import installed


def prepare_database(
    tx: Transaction,
    location: Location,
    config: Config,
    registry: ManagerRegistry,
    outside: frozenset[str] = frozenset(),
) -> list[tuple[str, str]]:
    """Make the plugins' tables, and the first objects where there are none.

    :param outside: the plugins of other packages: one of them that fails is taken out, and nothing else fails
    :returns: these, and why
    :raises ConfigError: the first user's name and password cannot be read
    """
    close_to_others(location.auth_file, location.scheduler_auth_file)
    failures = _prepare_tables(tx, registry, outside)
    if is_new(tx):
        bootstrap(tx, _first_users(location), _first_places(location, config))
    return failures


def _prepare_tables(
    tx: Transaction, registry: ManagerRegistry, outside: frozenset[str]
) -> list[tuple[str, str]]:
    owners = {table: registry.owner("table", table_name(table)) for table in registry.tables}
    failures = []
    for plugin in dict.fromkeys((*owners.values(), *registry.migrations)):
        tables = [table for table, owner in owners.items() if owner == plugin]
        steps = {plugin: registry.migrations[plugin]} if plugin in registry.migrations else {}
        tx.execute("SAVEPOINT plugin")
        try:
            made = create_tables(tx, tables)
            is_fresh = bool(tables) and len(made) == len(tables)
            migrate_plugins(tx, steps, frozenset({plugin} if is_fresh else ()))
        except Exception as error:  # the border to foreign code: models and migrations
            tx.execute("ROLLBACK TO plugin")
            if plugin not in outside:
                raise
            registry.withdraw(plugin)
            failures.append((plugin, f"prepare its tables: {type(error).__name__}: {error}"))
        finally:
            tx.execute("RELEASE plugin")
    return failures


def _first_users(location: Location) -> FirstUsers:
    name, _, password = _read_secret(location.auth_file).partition(":")
    if not name or not password:
        raise ConfigError(
            f"read {location.auth_file}: it must hold one line, user:password; `one start` writes it"
        )
    server_password = secrets.token_hex(32)
    _write_secret(location.scheduler_auth_file, f"serveradmin:{server_password}\n")
    return FirstUsers(name, password, server_password)


def _first_places(location: Location, config: Config) -> FirstPlaces:
    return FirstPlaces(
        on_hosts=config.datastores.path,
        on_front_end=str(location.datastores),
        tm_drivers={info.name for info in installed(group_of("tm"))},
        datastore_drivers={info.name for info in installed(group_of("datastore"))},
    )


def _read_secret(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise ConfigError(f"read {path}: there is no such file; run `one start`, which writes it") from None


def _write_secret(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    close_to_others(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
