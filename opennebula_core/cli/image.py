"""``oneimage``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.application import Application, command_group, pass_application
from opennebula_core.cli.columns import KIB_PER_MIB, Column, date, figure, number, size, text
from opennebula_core.cli.contents import Mebibytes, attribute_option
from opennebula_core.cli.editing import add_action, add_editing_commands
from opennebula_core.cli.flags import Flag
from opennebula_core.cli.image_snapshots import add_snapshot_commands
from opennebula_core.cli.kinds import DATASTORE, IMAGE, TEMPLATE
from opennebula_core.cli.listing import Listing, add_list_command
from opennebula_core.cli.ownership import add_ownership_commands
from opennebula_core.cli.quantities import date_text, size_text
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.showing import (
    add_show_command,
    attributes,
    identity,
    ids,
    permissions,
    section,
    yes_no,
)
from opennebula_core.cli.snapshot_tree import print_snapshots
from opennebula_core.cli.states import full_name, state_column
from opennebula_core.cli.texts import parse_attributes, template_of
from opennebula_core.cli.waiting import (
    REMOVED,
    Follower,
    Situation,
    look_in_pool,
    transfer_share,
    wait_options,
)
from opennebula_core.cli.words import ObjectWord
from opennebula_core.model.states import DiskType, ImageState, ImageType
from opennebula_core.model.template import Template

image = command_group("image", "Images: the disks from which VMs start.")

DEFAULT_DATASTORE = "1"
_FORCE = Flag("force", "Even while they are made or copied; copies under way fail.")
_TYPES = click.Choice([kind.name for kind in ImageType], case_sensitive=False)
_BEING_MADE = (ImageState.INIT, ImageState.LOCKED, ImageState.LOCKED_USED, ImageState.LOCKED_USED_PERS)
_PLAIN = ("target", "driver", "disk_type", "fs", "source", "md5", "sha1", "description")
"""Options that are attributes of the same name."""

COLUMNS = (
    number("ID", "ID"),
    text("USER", "UNAME"),
    text("GROUP", "GNAME"),
    text("NAME", "NAME"),
    text("DATASTORE", "DATASTORE"),
    size("SIZE", "SIZE", kib=KIB_PER_MIB),
    state_column("TYPE", ImageType, "TYPE"),
    Column("PER", lambda item: yes_no(item.findtext("PERSISTENT")), also=("PERSISTENT",)),
    state_column("STAT", ImageState, "STATE", also=("STATE",)),
    number("RVMS", "RUNNING_VMS"),
    text("FORMAT", "FORMAT"),
    date("REGTIME", "REGTIME"),
    text("ERROR", "TEMPLATE/ERROR"),
)  # fmt: skip
LISTING = Listing(
    IMAGE, COLUMNS, ("ID", "USER", "GROUP", "NAME", "DATASTORE", "SIZE", "TYPE", "PER", "STAT", "RVMS")
)


def describe(application: Application, item: Element) -> None:
    """Print an image for people."""
    section(
        f"image {item.findtext('ID')} information",
        [
            *identity(item),
            ("DATASTORE", item.findtext("DATASTORE", "")),
            ("TYPE", full_name(ImageType, item.findtext("TYPE"))),
            ("DISK TYPE", full_name(DiskType, item.findtext("DISK_TYPE"))),
            ("REGISTER TIME", date_text(int(figure(item, "REGTIME")))),
            ("PERSISTENT", yes_no(item.findtext("PERSISTENT"))),
            ("SOURCE", item.findtext("SOURCE", "")),
            ("PATH", item.findtext("PATH", "")),
            ("FORMAT", item.findtext("FORMAT", "")),
            ("SIZE", size_text(figure(item, "SIZE") * KIB_PER_MIB)),
            ("STATE", full_name(ImageState, item.findtext("STATE"))),
            ("RUNNING_VMS", f"{item.findtext('RUNNING_VMS')} ({ids(item, 'VMS')})"),
        ],
    )
    permissions(item)
    snapshots = item.find("SNAPSHOTS")
    if snapshots is not None:
        print_snapshots("snapshots", snapshots)
    attributes("image template", item.find("TEMPLATE"))


@image.command()
@click.argument("file", required=False, metavar="[FILE]")
@click.option("--name", help="Name of the image.")
@click.option("--path", help="File or address that it is copied from.")
@click.option("--type", "type_", type=_TYPES, help="OS without it; DATABLOCK for an empty disk.")
@click.option("--size", type=Mebibytes(), help="Size of an empty disk, such as 2G.")
@click.option("--format", "format_", help="raw or qcow2; found out without it.")
@click.option("--persistent", is_flag=True, default=None, help="VMs change the image itself, one at a time.")
@click.option("--prefix", help="How guests see it: vd, sd or hd.")
@click.option("--target", help="Device that guests see it as, such as vdb.")
@click.option("--driver", help="How the hypervisor reads it, such as qcow2.")
@click.option("--disk-type", help="FILE, BLOCK or RBD.")
@click.option("--fs", help="File system that an empty disk is made with, such as ext4.")
@click.option("--source", help="A disk that is in the datastore already; nothing is copied.")
@click.option("--md5", help="Sum that the file must have.")
@click.option("--sha1", help="Sum that the file must have.")
@click.option("--description", help="What it is.")
@click.option(
    "--no-check-capacity",
    "--no_check_capacity",
    "no_check",
    is_flag=True,
    help="Even when the datastore seems to have no room; for administrators.",
)
@click.option("--dry", is_flag=True, help="Print the template that would be used, and make nothing.")
@attribute_option
@click.option(
    "-d", "--datastore", default=DEFAULT_DATASTORE, show_default=True, type=ObjectWord(DATASTORE),
    help="Where it is kept.",
)  # fmt: skip
@wait_options
@pass_application
def create(
    application: Application,
    /,
    file: str | None,
    datastore: str,
    wait: bool,
    timeout: float,
    no_check: bool,
    dry: bool,
    **options: Any,
) -> None:
    """Bring an image into a datastore: from a template FILE (- is standard input), from options, or both."""
    described = template_of(file, _described(options), "--name debian --path /tmp/debian.qcow2")
    if dry:
        click.echo(described)
        return
    datastore_id = Finder(application, DATASTORE).one(datastore)
    image_id = application.client.integer("one.image.allocate", described, datastore_id, no_check)
    click.echo(f"ID: {image_id}")
    if wait:
        wait_for_images(application, [image_id], timeout)


def _described(options: Mapping[str, Any]) -> Template:
    """Return the template that the options describe."""
    template = Template()
    values = {
        "NAME": options["name"],
        "PATH": options["path"] and _absolute(options["path"]),
        "TYPE": options["type_"],
        "SIZE": options["size"],
        "FORMAT": options["format_"],
        "PERSISTENT": "YES" if options["persistent"] else None,
        "DEV_PREFIX": options["prefix"],
        **{name.upper(): options[name] for name in _PLAIN},
    }
    for name, value in values.items():
        if value is not None:
            template.set(name, str(value))
    for name, value in parse_attributes(options["attributes"]):
        template.add(name, value)
    return template


def _absolute(path: str) -> str:
    """Return a file's path as the front-end needs it; addresses as they are."""
    return path if "://" in path else str(Path(path).expanduser().absolute())


def wait_for_images(application: Application, image_ids: Collection[int], timeout_s: float) -> None:
    """Wait until the images are there; one that cannot be made is reported."""
    client = application.client
    progress = transfer_share(client, "one.image.progress")
    follower = Follower(
        client, "image", "oneimage", look_in_pool(client, IMAGE), _situation, REMOVED, progress
    )
    follower.follow(image_ids, timeout_s)


def _situation(item: Element) -> Situation:
    word = item.findtext("STATE", "0")
    state = full_name(ImageState, word)
    if state == ImageState.ERROR.name:
        return Situation(
            state, is_there=False, problem=item.findtext("TEMPLATE/ERROR") or "see the daemon's log"
        )
    return Situation(state, is_there=int(word) not in _BEING_MADE)


@image.command()
@click.argument("word", metavar="IMAGE", type=ObjectWord(IMAGE))
@click.argument("name", metavar="NAME")
@click.option("-d", "--datastore", type=ObjectWord(DATASTORE), help="Where it is kept; as the original.")
@wait_options
@pass_application
def clone(
    application: Application, word: str, name: str, datastore: str | None, wait: bool, timeout: float
) -> None:
    """Copy an image."""
    image_id = Finder(application, IMAGE).one(word)
    datastore_id = Finder(application, DATASTORE).one(datastore) if datastore else -1
    copy_id = application.client.integer("one.image.clone", image_id, name, datastore_id)
    click.echo(f"ID: {copy_id}")
    if wait:
        wait_for_images(application, [copy_id], timeout)


@image.command()
@pass_application
def orphans(application: Application) -> None:
    """Print the ids of images that neither a VM nor a template uses."""
    client = application.client
    named = TEMPLATE.list(client)
    used_ids = {disk.findtext("IMAGE_ID") for disk in named.iterfind("VMTEMPLATE/TEMPLATE/DISK")}
    used_names = {disk.findtext("IMAGE") for disk in named.iterfind("VMTEMPLATE/TEMPLATE/DISK")}
    for item in IMAGE.list(client).iterfind(IMAGE.element):
        is_used = bool(figure(item, "RUNNING_VMS")) or item.findtext("NAME") in used_names
        if not is_used and item.findtext("ID") not in used_ids:
            click.echo(item.findtext("ID"))


@image.command()
@click.argument("word", metavar="IMAGE", type=ObjectWord(IMAGE))
@click.argument("new_type", metavar="TYPE", type=_TYPES)
@pass_application
def chtype(application: Application, word: str, new_type: str) -> None:
    """Change the type of an image."""
    application.client.call("one.image.chtype", Finder(application, IMAGE).one(word), new_type)


add_snapshot_commands(image, wait_for_images)
add_list_command(image, LISTING)
add_show_command(image, IMAGE, describe)
add_action(image, IMAGE, "delete", "Remove images that no VM uses.", flags=(_FORCE,))
add_action(image, IMAGE, "enable", "Let VMs use images.", True)
add_action(image, IMAGE, "disable", "Let no VM use images.", False, method="enable")
add_action(image, IMAGE, "persistent", "Let VMs change images, one at a time.", True)
add_action(image, IMAGE, "nonpersistent", "Give each VM a copy.", False, method="persistent")
add_editing_commands(image, IMAGE)
add_ownership_commands(image, IMAGE)
