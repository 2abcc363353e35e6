"""What every command shares: the client, made when it is first needed, and how a group of commands ends."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

import click

from opennebula_core.cli.messages import CommandGroup
from opennebula_core.client import Client, client_from_environment
from opennebula_core.config import Config
from opennebula_core.config.location import Location

CONTEXT: Final[dict[str, Any]] = {"help_option_names": ["-h", "--help"]}


class Application:
    """The cloud that the commands talk to, as the environment names it."""

    @cached_property
    def client(self) -> Client:
        """The client; nothing is read or connected before it is asked for."""
        return client_from_environment(with_endpoint(os.environ))

    @cached_property
    def location(self) -> Location:
        """Where a cloud on this machine keeps its files."""
        return Location.from_environment()


pass_application = click.make_pass_decorator(Application, ensure=True)


def with_endpoint(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return the environment with ``ONE_XMLRPC``: as it is set, else what the cloud's ``oned.toml`` says.

    :raises ConfigError: the file is there and wrong
    """
    if environment.get("ONE_XMLRPC"):
        return environment
    location = Location.from_environment(environment)
    if not location.config_file.is_file():
        return environment
    return {**environment, "ONE_XMLRPC": Config.load(location).endpoint}


def command_group(name: str, summary: str) -> click.Group:
    """Return an empty group of commands."""
    return CommandGroup(name, help=summary, context_settings=CONTEXT)
