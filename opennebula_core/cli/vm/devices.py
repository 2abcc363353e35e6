"""Disks and NICs of VMs that are there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

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
    for device in (DISK, NIC):
        _add_attach(group, device)
        _add_detach(group, device)
    for command in (disk_resize, disk_saveas):
        group.add_command(command)


def change_vms(
    application: Application, words: tuple[str, ...], method: str, *params: object, wait: bool, timeout: float
) -> None:
    """Call a method that changes VMs, for each of them, and wait for the changes if that is wanted."""
    client = application.client
    done = for_each(application, VM, words, lambda vm_id: client.call(method, vm_id, *params))
    if wait and done:
        wait_for_changes(client, done, timeout)


@dataclass(frozen=True, slots=True)
class Device:
    """What can be plugged into VMs.

    :param word: in the commands' names
    :param source: the option that names what the device is of, and its kind of object
    :param metavar: how that option is written
    :param key: the attribute that it becomes
    :param attach: the API's method; likewise ``detach``
    :param attributes: further options, the attributes that they become, and what is said of them
    :param example: of the source, in error messages
    """

    word: str
    source: tuple[str, Kind]
    metavar: str
    key: str
    attach: str
    detach: str
    attributes: tuple[tuple[str, str, str], ...]
    example: str
    attach_help: str
    detach_help: str
    source_help: str

    @property
    def vector(self) -> str:
        """Its name in a VM's template."""
        return self.word.upper()


DISK: Final = Device(
    "disk",
    ("image", IMAGE),
    "IMAGE[:KEY=VALUE]...",
    "IMAGE_ID",
    "one.vm.attach",
    "one.vm.detach",
    (
        ("target", "TARGET", "Device that the guest sees, such as vdb."),
        ("prefix", "DEV_PREFIX", "Beginning of that device's name: vd, sd, hd."),
        ("cache", "CACHE", "How its reading and writing is cached, such as none."),
    ),
    "debian",
    "Plug a disk into VMs that run, or are off.",
    "Plug a disk out of VMs; a persistent one is written back to its image.",
    "Image of the disk; for a disk of its own :TYPE=fs:SIZE=1024.",
)
NIC: Final = Device(
    "nic",
    ("network", NETWORK),
    "NETWORK[:KEY=VALUE]...",
    "NETWORK_ID",
    "one.vm.attachnic",
    "one.vm.detachnic",
    (
        ("ip", "IP", "Its address; any that is free without it."),
        ("mac", "MAC", "Its hardware address."),
        ("model", "MODEL", "Hardware that the guest sees, such as virtio."),
    ),
    "private",
    "Plug a NIC into VMs that run, or are off.",
    "Plug a NIC out of VMs.",
    "Network of the NIC, such as private:IP=10.0.0.7.",
)


def _add_attach(group: click.Group, device: Device) -> None:
    source, kind = device.source

    def attach(application: Application, /, words: str, file: str | None, **options: Any) -> None:
        described = _described(application, device, options)
        text = template_of(file, described, f"--{source} {device.example}")
        waiting = {"wait": options["wait"], "timeout": options["timeout"]}
        change_vms(application, (words,), device.attach, text, **waiting)

    function: Callable[..., None] = wait_options(pass_application(attach))
    for name, attribute, summary in reversed(device.attributes):
        function = click.option(f"--{name}", attribute.lower(), help=summary)(function)
    options = (
        click.argument("words", metavar=several(VM), type=ObjectWord(VM)),
        click.option(
            f"--{source}", "source", type=ObjectWord(kind), metavar=device.metavar, help=device.source_help
        ),
        click.option(
            "--file", "file",
            help=f"File with {device.vector}=[...] in place of options, - for standard input.",
        ),
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    group.command(f"{device.word}-attach", help=device.attach_help)(function)


def _described(application: Application, device: Device, options: Mapping[str, Any]) -> Template:
    """Return a template of the device that the options describe, empty without any."""
    _, kind = device.source
    vector: dict[str, str] = {}
    if options["source"] is not None:
        vector = vector_of(Finder(application, kind), kind, options["source"], device.key)
    for _, attribute, _ in device.attributes:
        if options[attribute.lower()] is not None:
            vector[attribute] = options[attribute.lower()]
    template = Template()
    if vector:
        template.add(device.vector, vector)
    return template


def _add_detach(group: click.Group, device: Device) -> None:
    @group.command(f"{device.word}-detach", help=device.detach_help)
    @click.argument("words", metavar=several(VM), type=ObjectWord(VM))
    @click.argument("device_id", metavar=f"{device.vector}_ID", type=click.IntRange(min=0))
    @wait_options
    @pass_application
    def detach(application: Application, words: str, device_id: int, wait: bool, timeout: float) -> None:
        change_vms(application, (words,), device.detach, device_id, wait=wait, timeout=timeout)


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
