"""``one plugin check``: whether an extension loads, fits the configuration, starts and keeps its contract."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.declared import option_problems
from opennebula_core.cli.plugin.entries import Entry, take_inventory
from opennebula_core.cli.plugin.listing import KINDS, find
from opennebula_core.config import Config
from opennebula_core.contracts.kinds import DRIVER_KINDS, SCHEDULER, plugin_word
from opennebula_core.errors import PluginError

ONEDRIVER: Final = (sys.executable, "-m", "opennebula_core.wire.onedriver")
POLICY_CHECK: Final = (sys.executable, "-m", "opennebula_core.testing.policy_check")
CONFORMANCE: Final = "opennebula_core.testing.conformance"
STARTED_KINDS: Final = ("vmm", "tm", "im", "datastore", "auth")
"""The kinds that have a process of their own."""
START_S: Final = 30.0
CONTRACT_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one check found; ``problem`` is empty when all is well."""

    check: str
    problem: str = ""
    detail: str = ""


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("kind", type=KINDS)
@click.argument("name")
@click.option("--conformance", is_flag=True, help="Carry out all its actions too, with `onedriver check`.")
@click.option("-j", "--json", "as_json", is_flag=True, help="Print JSON.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@pass_application
def check(
    application: Application,
    kind: str,
    name: str,
    conformance: bool,
    as_json: bool,
    arguments: tuple[str, ...],
) -> None:
    """Check that one fits this core, loads, is configured rightly, starts, and keeps its contract.

    With --conformance a driver is made to do all that it can do: give it hosts that may be used for that, as
    arguments of `onedriver check`, such as --host. Exit status 1 when anything is wrong.
    """
    config = Config.load(application.location)
    entries = find(take_inventory(application, config, [kind]), kind, name)
    outcomes = [*_of_entry(config, entries)]
    if not any(outcome.problem for outcome in outcomes):
        outcomes += _of_contract(config, kind, name, arguments if conformance else None)
    if as_json:
        click.echo(json.dumps([asdict(outcome) for outcome in outcomes], indent=2))
    else:
        for outcome in outcomes:
            _tell(outcome)
    if any(outcome.problem for outcome in outcomes):
        click.get_current_context().exit(1)


def _tell(outcome: Outcome) -> None:
    said = f"WRONG: {outcome.problem}" if outcome.problem else f"ok {outcome.detail}".rstrip()
    click.echo(f"{outcome.check}: {said}")


def _of_entry(config: Config, entries: Sequence[Entry]) -> Iterator[Outcome]:
    entry = entries[0]
    info, status = entry.info, entry.status
    if status.is_disabled:
        yield Outcome("enabled", f"[plugins] disabled leaves out {plugin_word(info.kind, info.name)}")
        return
    yield Outcome("loads", status.error, f"{info.source}, written for plugin API {info.api}")
    if not status.error:
        yield Outcome("up to date", "; ".join(status.warnings))
        yield Outcome("configuration", "; ".join(option_problems(config, status)))


def _of_contract(config: Config, kind: str, name: str, arguments: Sequence[str] | None) -> Iterator[Outcome]:
    if kind in STARTED_KINDS and not config.driver(kind, name).executable:
        yield _starts(config, kind, name)
    if kind == SCHEDULER:
        yield _run("contract", [*POLICY_CHECK, name])
    elif kind in DRIVER_KINDS and arguments is not None:
        if importlib.util.find_spec(CONFORMANCE) is None:
            raise PluginError(f"check {kind} {name!r}: {CONFORMANCE} is missing; upgrade opennebula-core")
        configured = (
            ["--config", str(config.location.config_file)] if config.location.config_file.exists() else []
        )
        yield _run("conformance", [*ONEDRIVER, "check", kind, "--plugin", name, *configured, *arguments])


def _starts(config: Config, kind: str, name: str) -> Outcome:
    """Start the driver's process as the core does, and end it."""
    command = [*ONEDRIVER, kind, name]
    try:
        done = subprocess.run(
            command,
            input="INIT\nFINALIZE\n",
            capture_output=True,
            text=True,
            timeout=START_S,
            env=_environment(config),
        )
    except subprocess.TimeoutExpired:
        return Outcome("starts", f"no answer to INIT in {START_S:g} s; see what its constructor waits for")
    if "INIT SUCCESS" in done.stdout:
        return Outcome("starts")
    said = done.stdout.strip() or done.stderr.strip()[-500:] or f"exit status {done.returncode}"
    return Outcome("starts", said)


def _environment(config: Config) -> dict[str, str]:
    return {**os.environ, "ONE_LOCATION": str(config.location)}


def _run(check: str, command: Sequence[str]) -> Outcome:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=CONTRACT_S)
    except subprocess.TimeoutExpired:
        return Outcome(check, f"not ended after {CONTRACT_S:g} s")
    said = (done.stdout + done.stderr).strip()
    if done.returncode == 0:
        return Outcome(check, detail=f"({len(said.splitlines())} lines)")
    return Outcome(check, said[-4000:])
