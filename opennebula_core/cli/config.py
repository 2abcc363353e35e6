"""``one config``."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Any

import click

from opennebula_core.cli.application import command_group
from opennebula_core.cli.declared import installed_plugins, plugin_problems
from opennebula_core.config import Config
from opennebula_core.config.location import Location
from opennebula_core.errors import ConfigError

config = command_group("config", "The configuration, etc/oned.toml.")


@config.command()
def check() -> None:
    """Check the file; everything that is wrong with it is told at once.

    Names of policies and drivers, and their options, are held against what is installed.
    """
    location = Location.from_environment()
    loaded = Config.load(location)
    if problems := plugin_problems(loaded, installed_plugins(loaded)):
        raise ConfigError("\n".join(f"read {location.config_file}: {problem}" for problem in problems))
    if location.config_file.exists():
        click.echo(f"{location.config_file} is fine.")
    else:
        click.echo(f"There is no {location.config_file}: the defaults are used.")


@config.command()
@click.argument("section", required=False, metavar="[SECTION]")
@click.option("-j", "--json", "as_json", is_flag=True, help="Print JSON.")
def show(section: str | None, as_json: bool) -> None:
    """Show the settings as they are in force, defaults included."""
    sections = _sections(Config.load(Location.from_environment()))
    if section is not None and section not in sections:
        raise click.BadParameter(f"no section {section!r}; there are {', '.join(sections)}")
    chosen = {name: sections[name] for name in sections if section in (None, name)}
    if as_json:
        click.echo(json.dumps(chosen, indent=2))
        return
    for number, (name, settings) in enumerate(_flattened(chosen).items()):
        click.echo(f"{'' if number == 0 else chr(10)}[{name}]")
        for key, value in settings.items():
            click.echo(f"{key} = {json.dumps(value)}")


def _sections(loaded: Config) -> dict[str, Any]:
    """Return the sections as plain values."""
    found: dict[str, Any] = {}
    for item in fields(loaded):
        if item.name in ("location", "drivers"):
            continue
        found[item.name] = asdict(getattr(loaded, item.name))
    # Each policy's options stand in a table of its name.
    found["scheduler"].update(found["scheduler"].pop("options"))
    found["drivers"] = {
        kind: {name: asdict(settings) for name, settings in names.items()}
        for kind, names in loaded.drivers.items()
    }
    return found


def _flattened(sections: dict[str, Any], prefix: str = "") -> dict[str, dict[str, Any]]:
    """Return the tables of a TOML text: each with its values, tables in it with dotted names."""
    found: dict[str, dict[str, Any]] = {}
    for name, content in sections.items():
        tables = {key: value for key, value in content.items() if isinstance(value, dict)}
        values = {key: value for key, value in content.items() if not isinstance(value, dict)}
        if values or not tables:
            found[prefix + name] = values
        found.update(_flattened(tables, f"{prefix}{name}."))
    return found
