"""What every command shares: the client, made when it is first needed, and how a group looks."""

from __future__ import annotations

import importlib
import os
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import click

from opennebula_core.cli.endpoint import with_endpoint
from opennebula_core.cli.messages import CommandGroup
from opennebula_core.client import Client, client_from_environment

if TYPE_CHECKING:
    from opennebula_core.config.location import Location

CONTEXT: Final[dict[str, Any]] = {"help_option_names": ["-h", "--help"]}


class Application:
    """The cloud that the commands talk to, as the environment names it."""

    @cached_property
    def client(self) -> Client:
        """The client; nothing is read or connected before it is asked for."""
        client = client_from_environment(with_endpoint(os.environ))
        click.get_current_context().call_on_close(client.close)
        return client

    @cached_property
    def location(self) -> Location:
        """Where a cloud on this machine keeps its files."""
        # Loaded here: few commands need it, and all would wait for it.
        module: Any = importlib.import_module("opennebula_core.config.location")
        found: Location = module.Location.from_environment()
        return found


pass_application = click.make_pass_decorator(Application, ensure=True)


def command_group(name: str, summary: str) -> click.Group:
    """Return an empty group of commands."""
    return CommandGroup(name, help=summary, context_settings=CONTEXT)
