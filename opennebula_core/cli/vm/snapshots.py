"""Snapshots of whole VMs."""

from __future__ import annotations

from typing import Any

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.kinds import VM
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.vm.devices import change_vms
from opennebula_core.cli.vm.scheduling import schedule_on, schedule_options, scheduled_template
from opennebula_core.cli.vm.waiting import wait_for_changes
from opennebula_core.cli.waiting import wait_options
from opennebula_core.cli.words import ObjectWord, several


def add_snapshot_commands(group: click.Group) -> None:
    """Add the commands that make, revert to and remove snapshots."""
    group.add_command(snapshot_create)
    for name, summary in (
        ("revert", "Bring VMs that run back to a snapshot; what they did since is gone."),
        ("delete", "Remove a snapshot of VMs that run."),
    ):
        group.add_command(_command(name, summary))


@click.command("snapshot-create")
@click.argument("word", metavar="VM", type=ObjectWord(VM))
@click.argument("name", metavar="[NAME]", default="")
@wait_options
@schedule_options
@pass_application
def snapshot_create(
    application: Application, /, word: str, name: str, wait: bool, timeout: float, **schedule: Any
) -> None:
    """Keep memory and disks of a VM that runs as they are now; the snapshot's id is printed.

    Snapshots end with the guest, such as by poweroff.
    """
    if text := scheduled_template("snapshot-create", name, schedule):
        if not name:
            raise click.UsageError("a snapshot that is scheduled needs a NAME")
        schedule_on(application, (word,), text)
        return
    vm_id = Finder(application, VM).one(word)
    snapshot_id = application.client.integer("one.vm.snapshotcreate", vm_id, name)
    click.echo(f"ID: {snapshot_id}")
    if wait:
        wait_for_changes(application.client, (vm_id,), timeout)


def _command(name: str, summary: str) -> click.Command:
    @click.command(f"snapshot-{name}", help=summary)
    @click.argument("words", metavar=several(VM), type=ObjectWord(VM))
    @click.argument("snapshot_id", metavar="SNAPSHOT_ID", type=click.IntRange(min=0))
    @wait_options
    @schedule_options
    @pass_application
    def act(
        application: Application, /, words: str, snapshot_id: int, wait: bool, timeout: float, **schedule: Any
    ) -> None:
        if text := scheduled_template(f"snapshot-{name}", str(snapshot_id), schedule):
            schedule_on(application, (words,), text)
            return
        change_vms(application, (words,), f"one.vm.snapshot{name}", snapshot_id, wait=wait, timeout=timeout)

    return act
