"""``one plugin``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from opennebula_core.cli.application import command_group
from opennebula_core.cli.columns import plain_table
from opennebula_core.config import Config
from opennebula_core.config.location import Location
from opennebula_core.contracts.kinds import PLUGIN_KINDS, SCHEDULER
from opennebula_core.errors import PluginError
from opennebula_core.plugins import PluginStatus, describe_all

plugin = command_group("plugin", "What is installed: drivers, policies, plugins.")

_KINDS = click.Choice(PLUGIN_KINDS)


def _disabled() -> Sequence[str]:
    return Config.load(Location.from_environment()).plugins.disabled


def _as_json(status: PluginStatus) -> dict[str, Any]:
    info = status.info
    return {
        "kind": info.kind,
        "name": info.name,
        "distribution": info.distribution,
        "version": info.version,
        "target": info.target,
        "actions": list(status.actions),
        "options": [
            {
                "name": option.name,
                "type": option.type.__name__,
                "default": option.default,
                "help": option.help,
            }
            for option in status.options
        ],
        "disabled": status.is_disabled,
        "error": status.error,
    }


@plugin.command("list")
@click.argument("kinds", nargs=-1, type=_KINDS, metavar="[KIND]...")
@click.option("-j", "--json", "as_json", is_flag=True, help="Print JSON.")
def list_plugins(kinds: tuple[str, ...], as_json: bool) -> None:
    """List them with what they can do, or why they cannot be used.

    The exit status is 0 even when one is broken; its row says so.
    """
    statuses = describe_all(kinds or PLUGIN_KINDS, disabled=_disabled())
    if as_json:
        click.echo(json.dumps([_as_json(status) for status in statuses], indent=2))
        return
    rows = [
        (
            status.info.kind,
            status.info.name,
            status.info.distribution,
            status.info.version,
            _ability(status),
        )
        for status in statuses
    ]
    for line in plain_table(("KIND", "NAME", "DISTRIBUTION", "VERSION", "ACTIONS"), rows):
        click.echo(line)
    for status in statuses:
        if status.error:
            click.echo(f"{status.info.kind} {status.info.name}: {status.error}", err=True)


def _ability(status: PluginStatus) -> str:
    if status.error:
        return "cannot be used"
    return "disabled" if status.is_disabled else " ".join(status.actions) or "-"


@plugin.command()
@click.argument("kind", type=_KINDS)
@click.argument("name")
@click.option("-j", "--json", "as_json", is_flag=True, help="Print JSON.")
def show(kind: str, name: str, as_json: bool) -> None:
    """Show one: where it comes from, its actions, its options."""
    statuses = describe_all([kind], disabled=_disabled())
    found = [status for status in statuses if status.info.name == name]
    if not found:
        names = ", ".join(status.info.name for status in statuses) or "none"
        raise PluginError(f"no {kind} {name!r}: installed are {names}; install it, or correct the name")
    for status in found:
        if as_json:
            click.echo(json.dumps(_as_json(status), indent=2))
        else:
            _show(status)


def _show(status: PluginStatus) -> None:
    info = status.info
    click.echo(f"{info.kind} {info.name}, from {info.source} ({info.target})")
    if status.error:
        click.echo(f"Cannot be used: {status.error}")
        return
    if status.is_disabled:
        click.echo("Disabled by [plugins] disabled in oned.toml.")
    click.echo(f"Actions: {' '.join(status.actions) or '-'}")
    if not status.options:
        return
    click.echo(f"Options, to be set in [{_section(status)}]:")
    rows = [(option.name, _default(option.default), option.help) for option in status.options]
    for line in plain_table(("NAME", "DEFAULT", "MEANING"), rows):
        click.echo(f"  {line}")


def _section(status: PluginStatus) -> str:
    """Return the section of ``oned.toml`` that holds the options."""
    info = status.info
    return f"scheduler.{info.name}" if info.kind == SCHEDULER else f"drivers.{info.kind}.{info.name}.options"


def _default(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value) or "-"
