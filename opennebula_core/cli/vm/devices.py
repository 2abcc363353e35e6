"""Disks and NICs of VMs that are there."""

from __future__ import annotations

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.bulk import for_each
from opennebula_core.cli.contents import Mebibytes
from opennebula_core.cli.kinds import IMAGE, NETWORK, VM, Kind
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.texts import template_of
from opennebula_core.cli.vm.contents import vector_of
from opennebula_core.cli.vm.waiting import wait_for_changes
from opennebula_core.cli.waiting import wait_options
from opennebula_core.cli.words import ObjectWord, several
from opennebula_core.model.template import Template


def add_device_commands(group: click.Group) -> None:
    """Add the commands that plug disks and NICs in and out."""
    for command in (disk_attach, disk_detach, disk_resize, disk_saveas, nic_attach, nic_detach):
        group.add_command(command)


def change_vms(
    application: Application, words: tuple[str, ...], method: str, *params: object, wait: bool, timeout: float
) -> None:
    """Call a method that changes VMs, for each of them, and wait for the changes if that is wanted."""
    client = application.client
    done = for_each(application, VM, words, lambda vm_id: client.call(method, vm_id, *params))
    if wait and done:
        wait_for_changes(client, done, timeout)


def _described(application: Application, kind: Kind, word: str | None, name: str, key: str) -> Template:
    template = Template()
    if word is not None:
        template.add(name, vector_of(Finder(application, kind), kind, word, key))
    return template


@click.command("disk-attach")
@click.argument("words", metavar=several(VM), type=ObjectWord(VM))
@click.option(
    "--image",
    "image",
    type=ObjectWord(IMAGE),
    metavar="IMAGE[:KEY=VALUE]...",
    help="Image of the disk; for a disk of its own :TYPE=fs:SIZE=1024.",
)
@click.option("--file", "file", help="File with DISK=[...] in place of options, - for standard input.")
@wait_options
@pass_application
def disk_attach(
    application: Application, words: str, image: str | None, file: str | None, wait: bool, timeout: float
) -> None:
    """Plug a disk into VMs that run, or are off."""
    described = _described(application, IMAGE, image, "DISK", "IMAGE_ID")
    text = template_of(file, described, "--image debian")
    change_vms(application, (words,), "one.vm.attach", text, wait=wait, timeout=timeout)


@click.command("disk-detach")
@click.argument("words", metavar=several(VM), type=ObjectWord(VM))
@click.argument("disk_id", metavar="DISK_ID", type=click.IntRange(min=0))
@wait_options
@pass_application
def disk_detach(application: Application, words: str, disk_id: int, wait: bool, timeout: float) -> None:
    """Plug a disk out of VMs; a persistent one is written back to its image."""
    change_vms(application, (words,), "one.vm.detach", disk_id, wait=wait, timeout=timeout)


@click.command("disk-resize")
@click.argument("words", metavar=several(VM), type=ObjectWord(VM))
@click.argument("disk_id", metavar="DISK_ID", type=click.IntRange(min=0))
@click.argument("size", metavar="SIZE", type=Mebibytes())
@wait_options
@pass_application
def disk_resize(
    application: Application, words: str, disk_id: int, size: int, wait: bool, timeout: float
) -> None:
    """Make a disk of VMs larger, to SIZE such as 20G; what is on it is for the guest to grow."""
    change_vms(application, (words,), "one.vm.diskresize", disk_id, str(size), wait=wait, timeout=timeout)


@click.command("disk-saveas")
@click.argument("word", metavar="VM", type=ObjectWord(VM))
@click.argument("disk_id", metavar="DISK_ID", type=click.IntRange(min=0))
@click.argument("name", metavar="NAME")
@click.option("--type", "image_type", default="", help="Type of the image, such as DATABLOCK.")
@click.option(
    "--snapshot",
    "snapshot_id",
    type=click.IntRange(min=-1),
    default=-1,
    help="The disk's snapshot that is copied, not the disk as it is.",
)
@wait_options
@pass_application
def disk_saveas(
    application: Application,
    word: str,
    disk_id: int,
    name: str,
    image_type: str,
    snapshot_id: int,
    wait: bool,
    timeout: float,
) -> None:
    """Copy a disk of a VM to a new image; what a guest is writing meanwhile may be half there."""
    vm_id = Finder(application, VM).one(word)
    parameters = (vm_id, disk_id, name, image_type, snapshot_id)
    image_id = application.client.integer("one.vm.disksaveas", *parameters)
    click.echo(f"ID: {image_id}")
    if wait:
        wait_for_changes(application.client, (vm_id,), timeout)


@click.command("nic-attach")
@click.argument("words", metavar=several(VM), type=ObjectWord(VM))
@click.option(
    "--network",
    "network",
    type=ObjectWord(NETWORK),
    metavar="NETWORK[:KEY=VALUE]...",
    help="Network of the NIC, such as private:IP=10.0.0.7.",
)
@click.option("--file", "file", help="File with NIC=[...] in place of options, - for standard input.")
@wait_options
@pass_application
def nic_attach(
    application: Application, words: str, network: str | None, file: str | None, wait: bool, timeout: float
) -> None:
    """Plug a NIC into VMs that run, or are off."""
    described = _described(application, NETWORK, network, "NIC", "NETWORK_ID")
    text = template_of(file, described, "--network private")
    change_vms(application, (words,), "one.vm.attachnic", text, wait=wait, timeout=timeout)


@click.command("nic-detach")
@click.argument("words", metavar=several(VM), type=ObjectWord(VM))
@click.argument("nic_id", metavar="NIC_ID", type=click.IntRange(min=0))
@wait_options
@pass_application
def nic_detach(application: Application, words: str, nic_id: int, wait: bool, timeout: float) -> None:
    """Plug a NIC out of VMs."""
    change_vms(application, (words,), "one.vm.detachnic", nic_id, wait=wait, timeout=timeout)
