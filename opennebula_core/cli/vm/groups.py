"""Commands that put a VM into a group of VMs, and take it out."""

from __future__ import annotations

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.bulk import for_each
from opennebula_core.cli.kinds import VM, VM_GROUP
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.words import ObjectWord, several


@click.command("vmgroup-add")
@click.argument("word", metavar=VM.word, type=ObjectWord(VM))
@click.argument("group", metavar=VM_GROUP.word, type=ObjectWord(VM_GROUP))
@click.argument("role", metavar="ROLE")
@pass_application
def vmgroup_add(application: Application, word: str, group: str, role: str) -> None:
    """Put a VM into a role of a group; it counts from the next time that the VM is placed."""
    vm_id, group_id = Finder(application, VM).one(word), Finder(application, VM_GROUP).one(group)
    application.client.call("one.vm.vmgroupadd", vm_id, group_id, role)


@click.command("vmgroup-del")
@click.argument("words", nargs=-1, required=True, metavar=several(VM), type=ObjectWord(VM))
@pass_application
def vmgroup_del(application: Application, words: tuple[str, ...]) -> None:
    """Take VMs out of their groups."""
    for_each(application, VM, words, lambda vm_id: application.client.call("one.vm.vmgroupdel", vm_id))
