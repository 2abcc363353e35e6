"""The commands of ``onesched``: none of the kernel's own, only those that other packages add."""

from __future__ import annotations

import sys
from typing import Final

import click

from opennebula_core.contracts.commands import ONESCHED, added_commands, load_added
from opennebula_core.errors import OpenNebulaError, PluginError

OFFERED_BY: Final = {
    "simulate": "opennebula-sched-lab",
    "compare": "opennebula-sched-lab",
}
"""Commands that the manual speaks of, and the package to install when one is not there."""


class SchedulerCommands(click.Group):
    """A command that does its work itself, unless a further command is named; those are imported when called.

    An error of either becomes one line on standard error, and the exit status says so.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands that are installed."""
        return sorted(entry.name for entry in added_commands(ONESCHED))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, imported now.

        :raises PluginError: its package is not installed, or broken
        """
        for entry in added_commands(ONESCHED, name=cmd_name):
            command: click.Command = load_added(entry)
            return command
        if cmd_name in OFFERED_BY:
            package = OFFERED_BY[cmd_name]
            raise PluginError(f"run 'onesched {cmd_name}': it is not installed; pip install {package}")
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands without importing any."""
        installed = {
            entry.name: f"from {entry.value.partition('.')[0]}" for entry in added_commands(ONESCHED)
        }
        missing = {name: f"needs {package}" for name, package in OFFERED_BY.items() if name not in installed}
        with formatter.section("Commands"):
            formatter.write_dl(sorted((installed | missing).items()))

    def invoke(self, ctx: click.Context) -> object:
        """Run it, or the command that was named."""
        try:
            return super().invoke(ctx)
        except OpenNebulaError as error:
            click.echo(f"onesched: {error}", err=True)
            sys.exit(1)
