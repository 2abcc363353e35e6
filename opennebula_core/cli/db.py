"""``one db``: the only commands that open the database themselves."""

from __future__ import annotations

import time
from pathlib import Path

import click

from opennebula_core.cli.application import command_group
from opennebula_core.cli.messages import report
from opennebula_core.cli.processes import DAEMON, ProcessError
from opennebula_core.config import Config
from opennebula_core.config.location import Location
from opennebula_core.config.pid_file import running_pid
from opennebula_core.db import maintenance
from opennebula_core.db.migrations import CURRENT_VERSION

db = command_group("db", "The database.")


def _database() -> Path:
    return Config.load(Location.from_environment()).database_file


def problems_of(path: Path) -> list[maintenance.Problem]:
    """Return what is wrong with a database.

    :raises StoreError: the file cannot be read at all, or is of another release
    """
    return maintenance.check(path)


def _require_stopped(what: str) -> None:
    """Refuse what must not happen under the daemon's feet.

    :raises ProcessError: the daemon runs
    """
    pid = running_pid(Location.from_environment(), DAEMON)
    if pid:
        raise ProcessError(f"{what}: {DAEMON} runs, process {pid}; stop the cloud with 'one stop' first")


@db.command()
@click.option("--fix", is_flag=True, help="Recount what is counted wrongly; the cloud has to be stopped.")
def check(fix: bool) -> None:
    """Check that the file is whole and that its sums agree; exit status 1 when something is wrong."""
    path = _database()
    if fix:
        _require_stopped("fix the database")
        for problem in maintenance.fix(path):
            click.echo(f"fixed: {problem.text}")
    problems = problems_of(path)
    for problem in problems:
        report(problem.text + ("; 'one db check --fix' corrects it" if problem.can_be_fixed else ""))
    if not problems:
        click.echo(f"{path}: fine, schema version {CURRENT_VERSION}")


@db.command()
@click.argument("target", metavar="FILE", type=click.Path(path_type=Path))
def backup(target: Path) -> None:
    """Copy the database to FILE (or into that folder), also while the cloud runs."""
    if target.is_dir():
        target /= time.strftime("one-%Y%m%d-%H%M%S.db")
    size_bytes = maintenance.back_up(_database(), target)
    click.echo(f"{target}: {size_bytes} bytes")


@db.command()
def migrate() -> None:
    """Bring the database to this release's schema; a copy of it is kept beside it.

    The daemon does this itself when it starts.
    """
    path = _database()
    _require_stopped("migrate the database")
    before = maintenance.version(path)
    if before != CURRENT_VERSION:
        kept = path.with_name(f"{path.name}.version-{before}")
        maintenance.back_up(path, kept)
        click.echo(f"The database as it was: {kept}")
    for step in maintenance.migrate_file(path):
        click.echo(f"done: {step}")
    click.echo(f"{path}: schema version {maintenance.version(path)}")
