"""``one plugin list`` and ``one plugin show``."""

from __future__ import annotations

import json

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.columns import plain_table
from opennebula_core.cli.plugin.entries import Entry, Inventory, State, take_inventory
from opennebula_core.config import Config
from opennebula_core.contracts.kinds import PLUGIN_KINDS, PLUGINS, SCHEDULER
from opennebula_core.errors import PluginError

KINDS = click.Choice(PLUGIN_KINDS)
COLUMNS = ("KIND", "NAME", "PACKAGE", "VERSION", "API", "STATE", "USED BY")


@click.command("list")
@click.argument("kinds", nargs=-1, type=KINDS, metavar="[KIND]...")
@click.option("-j", "--json", "as_json", is_flag=True, help="Print JSON.")
@pass_application
def list_plugins(application: Application, kinds: tuple[str, ...], as_json: bool) -> None:
    """List what is installed, or needed and missing, with its state and who needs it.

    The exit status is 0 even when one is broken or missing; its row says so, and why stands below the table.
    """
    inventory = take_inventory(application, Config.load(application.location), kinds)
    if as_json:
        click.echo(json.dumps([entry.as_json() for entry in inventory.entries], indent=2))
    else:
        for line in plain_table(COLUMNS, [_row(entry) for entry in inventory.entries]):
            click.echo(line)
    tell_problem(inventory)
    for entry in inventory.entries:
        if entry.status.error:
            click.echo(f"{entry.info.kind} {entry.info.name}: {entry.status.error}", err=True)


def _row(entry: Entry) -> tuple[str, ...]:
    info = entry.info
    who = (info.kind, info.name, info.distribution, info.version, info.api)
    return (*who, entry.state.value, entry.summary or "-")


def tell_problem(inventory: Inventory) -> None:
    """Say on standard error when it is not known what depends on drivers."""
    if inventory.problem:
        click.echo(f"Which objects depend on drivers is not known: {inventory.problem}", err=True)


def find(inventory: Inventory, kind: str, name: str) -> list[Entry]:
    """Return the entries of that name: more than one when packages are in conflict.

    :raises PluginError: nobody offers it, and nothing needs it
    """
    found = [entry for entry in inventory.entries if entry.info.name == name]
    if not found:
        names = ", ".join(entry.info.name for entry in inventory.entries) or "none"
        raise PluginError(f"no {kind} {name!r}: installed are {names}; install it, or correct the name")
    return found


@click.command()
@click.argument("kind", type=KINDS)
@click.argument("name")
@click.option("-j", "--json", "as_json", is_flag=True, help="Print JSON.")
@pass_application
def show(application: Application, kind: str, name: str, as_json: bool) -> None:
    """Show one: where it comes from, what it can do, its options, who needs it."""
    inventory = take_inventory(application, Config.load(application.location), [kind])
    tell_problem(inventory)
    for entry in find(inventory, kind, name):
        if as_json:
            click.echo(json.dumps(entry.as_json(), indent=2))
        else:
            _show(inventory, entry)


def _show(inventory: Inventory, entry: Entry) -> None:
    info, status = entry.info, entry.status
    if entry.state is State.MISSING:
        click.echo(f"{info.kind} {info.name} is missing: {status.error}")
    else:
        click.echo(f"{info.kind} {info.name}, from {info.source} ({info.target}), plugin API {info.api}")
        click.echo(f"State: {entry.state}")
    if status.error and entry.state is not State.MISSING:
        click.echo(f"Cannot be used: {status.error}")
    if status.is_disabled:
        click.echo(f"Disabled by [plugins] disabled in oned.toml; one plugin enable {info.kind} {info.name}")
    for warning in status.warnings:
        click.echo(f"Warning: {warning}")
    if not status.error and not status.is_disabled:
        what = "Hooks" if info.kind == PLUGINS else "Actions"
        click.echo(f"{what}: {' '.join(status.actions) or '-'}")
    for line in inventory.dependents.lines(info.kind, info.name):
        click.echo(f"Used by {line}")
    _show_options(entry)


def _show_options(entry: Entry) -> None:
    if not entry.status.options:
        return
    click.echo(f"Options, to be set in [{section(entry)}]:")
    rows = [
        (option.name, option.type.__name__, _default(option.default), option.help)
        for option in entry.status.options
    ]
    for line in plain_table(("NAME", "TYPE", "DEFAULT", "MEANING"), rows):
        click.echo(f"  {line}")


def section(entry: Entry) -> str:
    """Return the section of ``oned.toml`` that holds the options."""
    info = entry.info
    return f"scheduler.{info.name}" if info.kind == SCHEDULER else f"drivers.{info.kind}.{info.name}.options"


def _default(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value) or "-"
