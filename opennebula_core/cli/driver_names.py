"""Drivers that a command names, held against what is installed for the cloud of this machine."""

from __future__ import annotations

import importlib
import os
from typing import Any

import click

from opennebula_core.cli.endpoint import own_location
from opennebula_core.errors import DriverNotFoundError


def warn_of_unknown_driver(kind: str, name: str) -> None:
    """Say on standard error when a driver is neither installed nor configured, with the names that are.

    Of a cloud elsewhere nothing is known here: what is wrong there, the object itself says.
    """
    location = own_location(os.environ)
    if location is None:
        return
    # Loaded here: only commands that make something with drivers need them, and all would wait for them.
    discovery: Any = importlib.import_module("opennebula_core.plugins.discovery")
    configuration: Any = importlib.import_module("opennebula_core.config")
    group = f"opennebula.{kind}"
    known = {info.name for info in discovery.installed(group)}
    if name not in known and not configuration.Config.load(location).driver(kind, name).executable:
        program = click.get_current_context().find_root().info_name
        click.echo(f"{program}: warning: {DriverNotFoundError(group, name, known)}", err=True)
