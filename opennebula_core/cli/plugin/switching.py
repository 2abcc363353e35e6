"""``one plugin enable`` and ``one plugin disable``."""

from __future__ import annotations

import json

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.plugin.entries import Inventory, take_inventory
from opennebula_core.cli.plugin.listing import find, tell_problem
from opennebula_core.config import Config
from opennebula_core.config.editing import change_disabled
from opennebula_core.contracts.kinds import CLI, PLUGIN_KINDS, plugin_word
from opennebula_core.errors import PluginError

SWITCHED: click.Choice[str] = click.Choice([kind for kind in PLUGIN_KINDS if kind != CLI])
"""A command group works only when it is called: there is nothing to leave out."""


@click.command()
@click.argument("kind", type=SWITCHED)
@click.argument("name")
@click.option("-j", "--json", "as_json", is_flag=True, help="Print JSON.")
@pass_application
def enable(application: Application, kind: str, name: str, as_json: bool) -> None:
    """Let in what was disabled, from the next start of the cloud on."""
    config = Config.load(application.location)
    word = plugin_word(kind, name)
    if word not in config.plugins.disabled:
        find(take_inventory(application, config, [kind]), kind, name)
    _switch(config, word, is_disabled=False, as_json=as_json)


@click.command()
@click.argument("kind", type=SWITCHED)
@click.argument("name")
@click.option("--force", is_flag=True, help="Even if something depends on it.")
@click.option("-j", "--json", "as_json", is_flag=True, help="Print JSON.")
@pass_application
def disable(application: Application, kind: str, name: str, force: bool, as_json: bool) -> None:
    """Leave a driver, policy or plugin out, from the next start of the cloud on; it stays installed.

    It is refused while something depends on it.
    """
    config = Config.load(application.location)
    inventory = take_inventory(application, config, [kind])
    find(inventory, kind, name)
    if not force:
        _refuse_if_needed(inventory, kind, name)
    _switch(config, plugin_word(kind, name), is_disabled=True, as_json=as_json)


def _refuse_if_needed(inventory: Inventory, kind: str, name: str) -> None:
    if users := "; ".join(inventory.dependents.lines(kind, name)):
        raise PluginError(
            f"disable {kind} {name!r}: it is needed by {users}; change these first, or use --force"
        )
    if inventory.problem:
        tell_problem(inventory)
        raise PluginError(
            f"disable {kind} {name!r}: what depends on it is not known; start the cloud, or use --force"
        )


def _switch(config: Config, word: str, *, is_disabled: bool, as_json: bool) -> None:
    has_changed = change_disabled(config.location.config_file, word, is_disabled=is_disabled)
    if as_json:
        click.echo(json.dumps({"name": word, "disabled": is_disabled, "changed": has_changed}))
        return
    what = "disabled" if is_disabled else "enabled"
    if has_changed:
        click.echo(f"{word} is {what} in {config.location.config_file}. A restart applies it:")
        click.echo("one stop && one start")
    else:
        click.echo(f"{word} is {what} already.")
