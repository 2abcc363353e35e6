"""``onedriver check KIND``: the command line."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import click

from opennebula_core.errors import OpenNebulaError
from opennebula_core.testing.conformance.outcome import Outcome
from opennebula_core.testing.conformance.processes import MARK, end_all
from opennebula_core.testing.conformance.report import as_json, heading, is_kept, lines_of, summary
from opennebula_core.testing.conformance.runner import Selection, list_checks, run
from opennebula_core.testing.conformance.subject import KINDS, Limits, Login, Subject, read_file

DESCRIBE_S: Final = 10.0
DESCRIBE_BYTES: Final = 1 << 20
"""A program that prints so much does not describe itself."""

ONEDRIVER: Final = (sys.executable, "-m", "opennebula_core.wire.onedriver")
OWN_PERIOD_S: Final = 0.5
"""Our own drivers take parts of a second for a period of monitoring."""

PRETENDING: Final = "dummy"
ANY_LOGIN: Final = Login(secret="any")
"""The dummy lets everybody in."""


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line says of the driver."""

    kind: str
    command: str
    plugin: str
    file: Path | None
    config: Path | None
    actions: str
    host: str
    destination: str
    dialect: str
    limit: float | None
    total: float | None


@click.command("check", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--command", default="", help="the driver: a program and its arguments, in any language")
@click.option(
    "--plugin", default="", help="the driver: the name of an installed one, as `one plugin list` has it"
)
@click.option(
    "--file", type=click.Path(path_type=Path, dir_okay=False), help="TOML file that says more of it"
)
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="oned.toml with its options")
@click.option("--actions", default="", help="what it can do, such as DEPLOY,CANCEL,POLL; else it is asked")
@click.option("--host", default="", help="the host that it works on")
@click.option("--destination", default="", help="another host, for migration")
@click.option("--dialect", default="", help="OpenNebula release whose protocol a program speaks (6.10)")
@click.option("--limit", type=float, help=f"seconds for one answer, else {Limits().answer:g}")
@click.option("--total", type=float, help=f"seconds for all checks, else {Limits().total:g}")
@click.option("--only", multiple=True, metavar="NAME", help="make only checks that have this in their names")
@click.option("-x", "--exitfirst", is_flag=True, help="make no more checks after the first that fails")
@click.option("--list", "is_listing", is_flag=True, help="list the checks and make none")
@click.option("--json", "as_document", is_flag=True, help="print the report as JSON, at the end")
def check(
    only: Sequence[str], *, exitfirst: bool, is_listing: bool, as_document: bool, **given: object
) -> None:
    """Hold a driver to its protocol: start it, ask it all that it can do, and see what it does.

    Exit status: 0 it keeps the protocol; 1 it does not; 2 the command is wrong.
    """
    try:
        subject = _subject(Given(**given))  # type: ignore[arg-type]  # click has made them of these types
        if is_listing:
            for each in list_checks(subject):
                click.echo(f"{each.name:<24} {each.sentence}")
            return
        outcomes = _run(subject, Selection(only, exitfirst), as_document=as_document)
    except OpenNebulaError as error:
        raise click.UsageError(str(error)) from None
    if not outcomes:
        raise click.UsageError(f"no check has {' or '.join(only)} in its name; see --list")
    sys.exit(0 if is_kept(outcomes) else 1)


def _run(subject: Subject, selection: Selection, *, as_document: bool) -> list[Outcome]:
    def tell(outcome: Outcome) -> None:
        if not as_document:
            click.echo("\n".join(lines_of(outcome)))

    if not as_document:
        click.echo(heading(subject))
    try:
        outcomes = asyncio.run(_until_told_to_end(run(subject, selection, tell)))
    except asyncio.CancelledError:
        sys.exit(128 + signal.SIGTERM)
    click.echo(as_json(subject, outcomes) if as_document else summary(outcomes))
    return outcomes


async def _until_told_to_end(checks: Awaitable[list[Outcome]]) -> list[Outcome]:
    """Make checks; SIGTERM ends them as an interrupt does, so that no driver stays."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await checks


def _subject(given: Given) -> Subject:
    if bool(given.command) == bool(given.plugin):
        raise click.UsageError("name the driver: either --command '...' or --plugin NAME")
    if given.kind == "vnm" and given.command:
        raise click.UsageError("network drivers run in no process of their own; name one with --plugin")
    subject = Subject(given.kind, tuple(shlex.split(given.command)) or _own_command(given.kind, given.plugin))
    if given.plugin:
        pretends = given.plugin == PRETENDING
        subject = replace(subject, name=given.plugin, is_own=True, pretends=pretends, period_s=OWN_PERIOD_S)
        if pretends:
            subject = replace(subject, login=ANY_LOGIN)
    if given.file is not None:
        subject = read_file(subject, given.file)
    changes = {name: value for name in ("host", "destination", "dialect") if (value := getattr(given, name))}
    subject = replace(subject, **changes)
    subject = replace(subject, actions=_actions(given, subject))
    if given.config is not None:
        subject = replace(subject, config=str(given.config))
    return replace(subject, limits=_limits(given, subject.limits))


def _limits(given: Given, limits: Limits) -> Limits:
    """Return the limits that the file sets; what the command line gives counts more."""
    answer = limits.answer if given.limit is None else given.limit
    total = limits.total if given.total is None else given.total
    return replace(limits, answer=answer, total=total)


def _own_command(kind: str, name: str) -> tuple[str, ...]:
    """Return how an installed driver is run; a network driver inside of the dummy virtualisation driver."""
    return (*ONEDRIVER, "vmm", "dummy") if kind == "vnm" else (*ONEDRIVER, kind, name)


def _actions(given: Given, subject: Subject) -> frozenset[str]:
    """Return what the driver can do: as given, else as it says of itself, else nothing."""
    if given.actions:
        return frozenset(given.actions.upper().replace(",", " ").split())
    if subject.actions:
        return subject.actions
    command = (*ONEDRIVER, given.kind, given.plugin) if given.plugin else subject.command
    described = _describe(command, subject)
    if given.plugin and described is None:
        raise click.UsageError(f"{given.kind} driver {given.plugin!r} cannot be used: see `one plugin list`")
    return described or frozenset()


def _describe(command: Sequence[str], subject: Subject) -> frozenset[str] | None:
    """Ask a program what it can do, as ours can be asked; one that has no ``--describe`` says nothing."""
    mark = secrets.token_hex(8)
    environment = {**os.environ, **subject.environment, MARK: mark}
    with suppress(OSError, ValueError, KeyError, TypeError):
        text = _printed([*command, "--describe"], environment, mark)
        return frozenset(str(action).upper() for action in json.loads(text)["actions"])
    return None


def _printed(command: Sequence[str], environment: Mapping[str, str], mark: str) -> bytes:
    """Return the beginning of what a program prints in a while; nothing is left running of it.

    :raises OSError: it cannot be started
    """
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, stdin=quiet, stdout=subprocess.PIPE, stderr=quiet, env=environment, start_new_session=True
    ) as process:
        assert process.stdout is not None
        timer = threading.Timer(DESCRIBE_S, end_all, (mark, process.pid))
        timer.start()
        try:
            return process.stdout.read(DESCRIBE_BYTES)
        finally:
            timer.cancel()
            end_all(mark, process.pid)
