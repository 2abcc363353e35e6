"""``onedatastore``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.application import Application, command_group, pass_application
from opennebula_core.cli.columns import KIB_PER_MIB, Column, figure, number, size, text
from opennebula_core.cli.contents import attribute_option
from opennebula_core.cli.editing import add_action, add_editing_commands
from opennebula_core.cli.kinds import CLUSTER, DATASTORE
from opennebula_core.cli.listing import Listing, add_list_command
from opennebula_core.cli.ownership import add_ownership_commands
from opennebula_core.cli.quantities import percent_of, size_text
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.showing import add_show_command, attributes, identity, ids, permissions, section
from opennebula_core.cli.states import full_name, state_column
from opennebula_core.cli.texts import parse_attributes, template_of
from opennebula_core.cli.words import ObjectWord
from opennebula_core.model.states import DatastoreState, DatastoreType
from opennebula_core.model.template import Template

datastore = command_group("datastore", "Datastores: where images, and the disks of VMs, are.")

_TYPES = click.Choice([kind.name for kind in DatastoreType], case_sensitive=False)


def _available(item: Element) -> str:
    share = percent_of(figure(item, "FREE_MB"), figure(item, "TOTAL_MB"))
    return "-" if share is None else f"{share:.0f}%"


COLUMNS = (
    number("ID", "ID"),
    text("NAME", "NAME"),
    size("SIZE", "TOTAL_MB", kib=KIB_PER_MIB),
    Column(
        "AVA", _available, lambda item: figure(item, "FREE_MB") * KIB_PER_MIB, is_numeric=True,
        raw=lambda item: _available(item).strip("%-"),
    ),
    size("FREE", "FREE_MB", kib=KIB_PER_MIB),
    Column("CLUSTERS", lambda item: ids(item, "CLUSTERS")),
    Column(
        "IMAGES", lambda item: str(len(item.findall("IMAGES/ID"))),
        lambda item: len(item.findall("IMAGES/ID")), is_numeric=True,
    ),
    state_column("TYPE", DatastoreType, "TYPE"),
    text("DS", "DS_MAD"),
    text("TM", "TM_MAD"),
    state_column("STAT", DatastoreState, "STATE", also=("STATE",)),
    text("USER", "UNAME"),
    text("GROUP", "GNAME"),
    text("PATH", "BASE_PATH"),
)  # fmt: skip
LISTING = Listing(
    DATASTORE, COLUMNS, ("ID", "NAME", "SIZE", "AVA", "CLUSTERS", "IMAGES", "TYPE", "DS", "TM", "STAT")
)


def describe(application: Application, item: Element) -> None:
    """Print a datastore for people."""
    section(
        f"datastore {item.findtext('ID')} information",
        [
            *identity(item),
            ("CLUSTERS", ids(item, "CLUSTERS")),
            ("TYPE", full_name(DatastoreType, item.findtext("TYPE"))),
            ("DS_MAD", item.findtext("DS_MAD", "")),
            ("TM_MAD", item.findtext("TM_MAD", "")),
            ("BASE PATH", item.findtext("BASE_PATH", "")),
            ("STATE", full_name(DatastoreState, item.findtext("STATE"))),
            ("TOTAL", size_text(figure(item, "TOTAL_MB") * KIB_PER_MIB)),
            ("FREE", size_text(figure(item, "FREE_MB") * KIB_PER_MIB)),
            ("USED", size_text(figure(item, "USED_MB") * KIB_PER_MIB)),
            ("IMAGES", ids(item, "IMAGES")),
        ],
    )
    permissions(item)
    attributes("datastore template", item.find("TEMPLATE"))


@datastore.command()
@click.argument("file", required=False, metavar="[FILE]")
@click.option("--name", help="Name of the datastore.")
@click.option("--type", "type_", type=_TYPES, help="IMAGE_DS without it.")
@click.option("--ds", help="Driver that copies images in, such as fs.")
@click.option("--tm", help="Driver that brings disks to hosts, such as ssh.")
@attribute_option
@click.option("-c", "--cluster", type=ObjectWord(CLUSTER), help="Its cluster.")
@pass_application
def create(application: Application, /, file: str | None, cluster: str | None, **options: Any) -> None:
    """Make a datastore: from a template FILE (- is standard input), from options, or both."""
    described = template_of(file, _described(options), "--name fast --ds fs --tm ssh")
    cluster_id = Finder(application, CLUSTER).one(cluster) if cluster else -1
    click.echo(f"ID: {application.client.integer('one.datastore.allocate', described, cluster_id)}")


def _described(options: Mapping[str, Any]) -> Template:
    template = Template()
    for option, name in {"name": "NAME", "type_": "TYPE", "ds": "DS_MAD", "tm": "TM_MAD"}.items():
        if options[option]:
            template.set(name, options[option])
    for name, value in parse_attributes(options["attributes"]):
        template.add(name, value)
    return template


add_list_command(datastore, LISTING)
add_show_command(datastore, DATASTORE, describe)
add_action(datastore, DATASTORE, "delete", "Remove empty datastores.")
add_action(datastore, DATASTORE, "enable", "Let disks be placed in system datastores.", True)
add_action(
    datastore, DATASTORE, "disable", "Let no disks be placed in system datastores.", False, method="enable"
)
add_editing_commands(datastore, DATASTORE)
add_ownership_commands(datastore, DATASTORE, can_lock=False)
