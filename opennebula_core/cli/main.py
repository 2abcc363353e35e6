"""The entry points of all programs, and the group ``one`` that holds them all.

Importing this module must stay cheap: a command's module is imported when the command is called.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

import click

import opennebula_core
from opennebula_core.cli.messages import CommandGroup, failure_status, message_of
from opennebula_core.contracts.commands import ONE, added_commands, load_added
from opennebula_core.errors import OpenNebulaError

COMMANDS: dict[str, tuple[str, str]] = {
    "start": ("opennebula_core.cli.lifecycle:start", "Start the cloud: the daemon and the scheduler."),
    "stop": ("opennebula_core.cli.lifecycle:stop", "Stop the cloud and its drivers."),
    "status": ("opennebula_core.cli.lifecycle:status", "Show what runs, and where."),
    "doctor": ("opennebula_core.cli.doctor:doctor", "Find what is wrong with the cloud, and what helps."),
    "up": ("opennebula_core.cli.up:up", "Start a cloud on this machine, with a first VM."),
    "down": ("opennebula_core.cli.up:down", "End what `one up` started, guests included."),
    "plugin": ("opennebula_core.cli.plugin:plugin", "See what is installed: drivers, policies, plugins."),
    "db": ("opennebula_core.cli.db:db", "Check, back up and migrate the database."),
    "config": ("opennebula_core.cli.config:config", "Check and show the configuration."),
    "vm": ("opennebula_core.cli.vm:vm", "Virtual machines."),
    "host": ("opennebula_core.cli.host:host", "Hosts."),
    "vnet": ("opennebula_core.cli.vnet:vnet", "Virtual networks."),
    "image": ("opennebula_core.cli.image:image", "Images."),
    "template": ("opennebula_core.cli.template:template", "VM templates."),
    "datastore": ("opennebula_core.cli.datastore:datastore", "Datastores."),
    "cluster": ("opennebula_core.cli.cluster:cluster", "Clusters."),
    "user": ("opennebula_core.cli.user:user", "Users."),
    "group": ("opennebula_core.cli.group:group", "Groups."),
    "acl": ("opennebula_core.cli.acl:acl", "Access rules."),
    "secgroup": ("opennebula_core.cli.secgroup:secgroup", "Security groups: rules for the traffic of VMs."),
    "vntemplate": ("opennebula_core.cli.vntemplate:vntemplate", "Templates of virtual networks."),
    "vmgroup": ("opennebula_core.cli.vmgroup:vmgroup", "Groups of VMs that run together or apart."),
    "vdc": ("opennebula_core.cli.vdc:vdc", "Virtual data centres: groups and what they may use."),
    "zone": ("opennebula_core.cli.zone:zone", "Zones of the federation."),
    "hook": ("opennebula_core.cli.hook:hook", "Hooks: commands that run on events."),
    "acct": ("opennebula_core.cli.acct:acct", "Who used what, and when."),
    "showback": ("opennebula_core.cli.showback:showback", "What VMs have cost, by month."),
    "manual": ("opennebula_core.cli.manual:manual", "Write man pages of all programs into a folder."),
    "completion": ("opennebula_core.cli.completion:completion", "Print a script for the shell's completion."),
}
"""Command -> where it is, and its line in the help of ``one``."""


class LazyGroup(CommandGroup):
    """Imports a command when it is called, not to list it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the kernel's commands and those of plugins."""
        return [*COMMANDS, *sorted(entry.name for entry in added_commands(ONE))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, imported now."""
        if cmd_name in COMMANDS:
            return load(cmd_name)
        for entry in added_commands(ONE, name=cmd_name):
            command: click.Command = load_added(entry)
            return command
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands without importing any."""
        rows = [(name, text) for name, (_, text) in COMMANDS.items()]
        rows.extend((entry.name, f"from {entry.value}") for entry in added_commands(ONE))
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def load(name: str) -> click.Command:
    """Import one of the kernel's commands."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    command: click.Command = getattr(importlib.import_module(module), attribute)
    return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(opennebula_core.__version__, message="%(version)s")
def _one() -> None:
    """Run and use a cloud. `one vm list` and `onevm list` are the same command."""


def run(command: Callable[..., Any], program: str) -> None:
    """Run a command; an error becomes one line on standard error, and the exit status says so."""
    try:
        command(prog_name=program)
    except OpenNebulaError as error:
        click.echo(f"{program}: {message_of(error)}", err=True)
        sys.exit(failure_status(program))
    except BrokenPipeError:
        # The reader of our output, such as `head`, has seen enough.
        sys.stderr.close()
        sys.exit(0)


def one() -> None:
    """Run the program ``one``."""
    run(_one, "one")


def _program(name: str) -> Callable[[], None]:
    def main() -> None:
        run(load(name), f"one{name}")

    main.__doc__ = f"Run the program ``one{name}``."
    return main


NAMED_PROGRAMS = (
    "vm", "host", "vnet", "image", "template", "datastore", "cluster", "user", "group", "acl", "hook",
    "secgroup", "vntemplate", "vmgroup", "vdc", "zone", "acct", "showback",
)  # fmt: skip
"""Commands that are programs of their own, too: ``onevm`` and so on."""

onevm = _program("vm")
onehost = _program("host")
onevnet = _program("vnet")
oneimage = _program("image")
onetemplate = _program("template")
onedatastore = _program("datastore")
onecluster = _program("cluster")
oneuser = _program("user")
onegroup = _program("group")
onehook = _program("hook")
onesecgroup = _program("secgroup")
onevntemplate = _program("vntemplate")
onevmgroup = _program("vmgroup")
onevdc = _program("vdc")
onezone = _program("zone")
oneacl = _program("acl")
oneacct = _program("acct")
oneshowback = _program("showback")
