"""Looking after a database file: is it whole, do its sums agree, a copy of it, its schema.

What is summed up in a row (what VMs take on a host, the leases of a network) is recounted here from the rows
that it sums up. These functions open the file themselves; only reading and copying may go beside a daemon.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from opennebula_core.config.private_files import make_private
from opennebula_core.db.consistency import COUNTERS, MISSING, PREPARATION, REFERENCES, Counter, Reference
from opennebula_core.db.migrations import CURRENT_VERSION, migrate, schema_version
from opennebula_core.errors import StoreError

BUSY_TIMEOUT_S = 30.0
PAGES_A_STEP = 1024
"""A copy pauses after each step, so that the daemon's writer gets its turn."""
MAX_PROBLEMS = 1000


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong.

    :param can_be_fixed: whether :func:`fix` puts it right
    """

    text: str
    can_be_fixed: bool = False


def version(path: Path) -> int:
    """Return the schema version of a database file.

    :raises StoreError: it is none
    """
    with _opened(path) as connection:
        return schema_version(connection)


def check(path: Path) -> list[Problem]:
    """Return what is wrong with a database; nothing is changed.

    :raises StoreError: the file cannot be read at all, or is of another release
    """
    with _opened(path) as connection:
        _require_current(connection, path)
        connection.execute("BEGIN")
        damage = [row[0] for row in connection.execute(f"PRAGMA integrity_check({MAX_PROBLEMS})")]
        if damage != ["ok"]:
            return [Problem(f"damaged file: {text}; restore a backup") for text in damage]
        _prepare(connection)
        return [*_found(connection, REFERENCES), *_found(connection, MISSING), *_counters(connection)]


def fix(path: Path) -> list[Problem]:
    """Recount what :func:`check` finds to be counted wrongly, and return what was put right.

    :raises StoreError: as :func:`check`, or the database is in use
    """
    with _opened(path) as connection:
        _require_current(connection, path)
        connection.execute("BEGIN IMMEDIATE")
        fixed = _repair(connection, REFERENCES)
        # Only now: the sums are over what is left.
        _prepare(connection)
        fixed.extend(_repair(connection, MISSING))
        fixed.extend(_counters(connection))
        for counter in COUNTERS:
            connection.execute(_recount(counter))
        connection.execute("COMMIT")
        return fixed


def back_up(path: Path, target: Path) -> int:
    """Copy a database to a new file, also while the daemon runs; return the copy's size in bytes.

    The copy has its name only when it is whole, and nobody but its owner may read it.

    :raises StoreError: the file is there already, cannot be written, or the copy is damaged
    """
    if target.exists():
        raise StoreError(f"back up to {str(target)!r}: the file is there already; name another one")
    unfinished = target.with_name(f".{target.name}.part")
    try:
        unfinished.unlink(missing_ok=True)  # what is left of another copy may be open to others
        make_private(unfinished)
        with _opened(path) as source, closing(sqlite3.connect(unfinished)) as copy:
            source.backup(copy, pages=PAGES_A_STEP)
            # In one file: a copy that is moved about shall need no log beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
            # Not quick_check: SQLite 3.40 takes keys in another order than the columns' for NULL there.
            found = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise StoreError(f"back up to {str(target)!r}: the copy is damaged: {found}; check the database")
        _flush(unfinished)
        unfinished.rename(target)
        _flush(target.parent)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(
            f"back up to {str(target)!r}: {error}; check the folder and its free space"
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return target.stat().st_size


def migrate_file(path: Path) -> list[str]:
    """Bring a database to this release's schema, and return the titles of the steps that were run.

    :raises StoreError: a step failed, or the file is of a newer release
    """
    with _opened(path) as connection:
        return [f"{step.version}: {step.title}" for step in migrate(connection)]


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    if not path.is_file():
        raise StoreError(f"open database {str(path)!r}: there is none; start a cloud with 'one start'")
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_S)
        with closing(connection):
            connection.execute("PRAGMA temp_store = MEMORY")
            yield connection
    except sqlite3.Error as error:
        raise StoreError(f"database {str(path)!r}: {error}; restore a backup if it is damaged") from error


def _require_current(connection: sqlite3.Connection, path: Path) -> None:
    found = schema_version(connection)
    if found != CURRENT_VERSION:
        remedy = "run 'one db migrate'" if found < CURRENT_VERSION else "install the release that wrote it"
        raise StoreError(
            f"database {str(path)!r} has schema version {found}, this release {CURRENT_VERSION}; {remedy}"
        )


def _prepare(connection: sqlite3.Connection) -> None:
    for statement in PREPARATION:
        connection.execute(statement)


def _repair(connection: sqlite3.Connection, references: Iterable[Reference]) -> list[Problem]:
    fixed = [problem for problem in _found(connection, references) if problem.can_be_fixed]
    for reference in references:
        if reference.repair:
            connection.execute(reference.repair)
    return fixed


def _found(connection: sqlite3.Connection, references: Iterable[Reference]) -> Iterator[Problem]:
    for reference in references:
        for row in connection.execute(reference.find):
            yield Problem(reference.text.format(*row), can_be_fixed=bool(reference.repair))


def _counters(connection: sqlite3.Connection) -> Iterator[Problem]:
    for counter in COUNTERS:
        yield from _miscounts(connection, counter)


def _miscounts(connection: sqlite3.Connection, counter: Counter) -> Iterator[Problem]:
    sql = (
        f"SELECT {counter.label}, {counter.column}, {counter.truth} FROM {counter.table} "
        f"WHERE {counter.column} {counter.wrong} {counter.truth}"
    )
    for label, found, right in connection.execute(sql):
        yield Problem(f"{label}: {counter.words} is {found}, it should be {right}", can_be_fixed=True)


def _recount(counter: Counter) -> str:
    return (
        f"UPDATE {counter.table} SET {counter.column} = {counter.truth} "
        f"WHERE {counter.column} {counter.wrong} {counter.truth}"
    )


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
