"""Snapshots of single disks."""

from __future__ import annotations

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.kinds import VM
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.snapshot_tree import snapshot_lines
from opennebula_core.cli.vm.devices import change_vms
from opennebula_core.cli.vm.waiting import wait_for_changes
from opennebula_core.cli.waiting import wait_options
from opennebula_core.cli.words import ObjectWord

_VM = click.argument("word", metavar="VM", type=ObjectWord(VM))
_DISK = click.argument("disk_id", metavar="DISK_ID", type=click.IntRange(min=0))
_SNAPSHOT = click.argument("snapshot_id", metavar="SNAPSHOT_ID", type=click.IntRange(min=0))


def add_disk_snapshot_commands(group: click.Group) -> None:
    """Add the commands that make, list, revert to, remove and rename snapshots of disks."""
    group.add_command(create)
    group.add_command(list_snapshots)
    group.add_command(_command("revert", "Bring a disk of a VM that is off back to a snapshot."))
    group.add_command(_command("delete", "Remove a snapshot of a disk."))
    group.add_command(rename)


@click.command("disk-snapshot-create")
@_VM
@_DISK
@click.argument("name", metavar="[NAME]", default="")
@wait_options
@pass_application
def create(application: Application, word: str, disk_id: int, name: str, wait: bool, timeout: float) -> None:
    """Keep a disk of a VM as it is now, and print the snapshot's id; a running guest is held still for it."""
    vm_id = Finder(application, VM).one(word)
    snapshot_id = application.client.integer("one.vm.disksnapshotcreate", vm_id, disk_id, name)
    click.echo(f"ID: {snapshot_id}")
    if wait:
        wait_for_changes(application.client, (vm_id,), timeout)


@click.command("disk-snapshot-rename")
@_VM
@_DISK
@_SNAPSHOT
@click.argument("name", metavar="NAME")
@pass_application
def rename(application: Application, word: str, disk_id: int, snapshot_id: int, name: str) -> None:
    """Give a snapshot of a disk another name."""
    vm_id = Finder(application, VM).one(word)
    application.client.call("one.vm.disksnapshotrename", vm_id, disk_id, snapshot_id, name)


def _command(name: str, summary: str) -> click.Command:
    @click.command(f"disk-snapshot-{name}", help=summary)
    @_VM
    @_DISK
    @_SNAPSHOT
    @wait_options
    @pass_application
    def act(
        application: Application, word: str, disk_id: int, snapshot_id: int, wait: bool, timeout: float
    ) -> None:
        method = f"one.vm.disksnapshot{name}"
        change_vms(application, (word,), method, disk_id, snapshot_id, wait=wait, timeout=timeout)

    return act


@click.command("disk-snapshot-list")
@_VM
@_DISK
@pass_application
def list_snapshots(application: Application, word: str, disk_id: int) -> None:
    """List the snapshots of a disk, as a tree."""
    vm = VM.info(application.client, Finder(application, VM).one(word))
    disks = [disk for disk in vm.iterfind("SNAPSHOTS") if disk.findtext("DISK_ID") == str(disk_id)]
    items = [snapshot for disk in disks for snapshot in disk.iterfind("SNAPSHOT")]
    click.echo("\n".join(snapshot_lines(items)))
