"""Commands that name a host, and recover."""

from __future__ import annotations

from typing import Final

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.bulk import for_each
from opennebula_core.cli.kinds import DATASTORE, HOST, VM
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.vm.waiting import RUNNING, wait_for_vms
from opennebula_core.cli.waiting import wait_options
from opennebula_core.cli.words import ObjectWord, several
from opennebula_core.model.states import VmState

SAVE, POWEROFF, POWEROFF_HARD = 0, 1, 2
RECOVERIES: Final = {
    "failure": (0, "Take what is under way as failed."),
    "success": (1, "Take what is under way as done."),
    "retry": (2, "Do again what failed."),
    "delete": (3, "End the VM and remove what there is of it."),
    "recreate": (4, "Remove what there is of the VM and let it start anew."),
    "delete-db": (5, "Mark the VM as DONE and touch no host."),
}
_RESTING = (RUNNING, VmState.POWEROFF.name, VmState.SUSPENDED.name)


def _datastore_id(application: Application, word: str | None) -> int:
    return Finder(application, DATASTORE).one(word) if word else -1


@click.command()
@click.argument("words", metavar=several(VM), type=ObjectWord(VM))
@click.argument("host", metavar="HOST", type=ObjectWord(HOST))
@click.argument("datastore", metavar="[DATASTORE]", required=False, type=ObjectWord(DATASTORE))
@click.option("--enforce", is_flag=True, help="Refuse when the host has not the capacity.")
@wait_options
@pass_application
def deploy(
    application: Application,
    words: str,
    host: str,
    datastore: str | None,
    enforce: bool,
    wait: bool,
    timeout: float,
) -> None:
    """Bring waiting VMs to a host, without the scheduler."""
    host_id = Finder(application, HOST).one(host)
    where = (host_id, enforce, _datastore_id(application, datastore))
    client = application.client
    done = for_each(application, VM, (words,), lambda vm_id: client.call("one.vm.deploy", vm_id, *where, ""))
    if wait and done:
        wait_for_vms(application.client, done, (RUNNING,), timeout)


@click.command()
@click.argument("words", metavar=several(VM), type=ObjectWord(VM))
@click.argument("host", metavar="HOST", type=ObjectWord(HOST))
@click.argument("datastore", metavar="[DATASTORE]", required=False, type=ObjectWord(DATASTORE))
@click.option("--live", "way", flag_value="live", help="While the guest goes on running.")
@click.option("--poweroff", "way", flag_value="poweroff", help="By shutting down and booting.")
@click.option(
    "--poweroff-hard", "way", flag_value="poweroff-hard", help="Likewise, without asking the guest."
)
@click.option("--enforce", is_flag=True, help="Refuse when the host has not the capacity.")
@wait_options
@pass_application
def migrate(
    application: Application,
    words: str,
    host: str,
    datastore: str | None,
    way: str | None,
    enforce: bool,
    wait: bool,
    timeout: float,
) -> None:
    """Move VMs to another host; running ones by saving and restoring, if nothing else is said."""
    where = (Finder(application, HOST).one(host), way == "live", enforce)
    kind = {"poweroff": POWEROFF, "poweroff-hard": POWEROFF_HARD}.get(way or "", SAVE)
    rest = (_datastore_id(application, datastore), kind)
    client = application.client
    done = for_each(
        application, VM, (words,), lambda vm_id: client.call("one.vm.migrate", vm_id, *where, *rest)
    )
    if wait and done:
        wait_for_vms(application.client, done, _RESTING, timeout)


def _recovery_options(function: click.decorators.FC) -> click.decorators.FC:
    for word, (_, text) in reversed(RECOVERIES.items()):
        function = click.option(f"--{word}", "operation", flag_value=word, help=text)(function)
    return function


@click.command()
@click.argument("words", nargs=-1, required=True, metavar=several(VM), type=ObjectWord(VM))
@_recovery_options
@wait_options
@pass_application
def recover(
    application: Application, words: tuple[str, ...], operation: str | None, wait: bool, timeout: float
) -> None:
    """Get VMs out of a failure, or out of a state in which they hang."""
    if operation is None:
        raise click.UsageError(f"say how: one of {', '.join('--' + word for word in RECOVERIES)}")
    number, client = RECOVERIES[operation][0], application.client
    done = for_each(application, VM, words, lambda vm_id: client.call("one.vm.recover", vm_id, number))
    if wait and done:
        wait_for_vms(application.client, done, (), timeout)
