"""``onevdc``."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.application import Application, command_group, pass_application
from opennebula_core.cli.bulk import for_each
from opennebula_core.cli.columns import Column, number, text
from opennebula_core.cli.editing import add_action, add_editing_commands
from opennebula_core.cli.kinds import CLUSTER, DATASTORE, GROUP, HOST, NETWORK, VDC, ZONE, Kind
from opennebula_core.cli.listing import Listing, add_list_command
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.showing import add_show_command, attributes, identity, ids, section
from opennebula_core.cli.texts import template_of
from opennebula_core.cli.words import ObjectWord, several
from opennebula_core.model.template import Template

vdc = command_group("vdc", "Virtual data centres: groups, and the resources that they may use.")

ALL: Final = "ALL"
ALL_RESOURCES: Final = -10
"""The id that means all resources of a kind. Source: OpenNebula 6.10."""
_RESOURCES: Final = (
    ("CLUSTERS", "CLUSTER"),
    ("HOSTS", "HOST"),
    ("DATASTORES", "DATASTORE"),
    ("VNETS", "VNET"),
)


def _members(item: Element, name: str, element: str) -> str:
    """Return the resources of a kind, as ``ZONE:ID``."""
    found = (
        f"{member.findtext('ZONE_ID')}:{'ALL' if own_id == str(ALL_RESOURCES) else own_id}"
        for member in item.iterfind(f"{name}/{element}")
        for own_id in (member.findtext(f"{element}_ID", ""),)
    )
    return ",".join(found) or "-"


def _resource_column(name: str, element: str) -> Column:
    return Column(name, lambda item: _members(item, name, element))


COLUMNS = (
    number("ID", "ID"),
    text("NAME", "NAME"),
    Column("GROUPS", lambda item: ids(item, "GROUPS")),
    *(_resource_column(name, element) for name, element in _RESOURCES),
)
LISTING = Listing(VDC, COLUMNS, ("ID", "NAME", "GROUPS", "CLUSTERS", "HOSTS", "VNETS", "DATASTORES"))


def describe(application: Application, item: Element) -> None:
    """Print a virtual data centre for people."""
    resources = [(name, _members(item, name, element)) for name, element in _RESOURCES]
    section(
        f"vdc {item.findtext('ID')} information",
        [*identity(item), ("GROUPS", ids(item, "GROUPS")), *resources],
    )
    attributes("vdc template", item.find("TEMPLATE"))


@vdc.command()
@click.argument("file", required=False, metavar="[FILE]")
@click.option("-n", "--name", help="Name of the virtual data centre.")
@pass_application
def create(application: Application, file: str | None, name: str | None) -> None:
    """Make a virtual data centre: from a template FILE (- is standard input), or with a name alone."""
    described = Template()
    if name:
        described.set("NAME", name)
    content = template_of(file, described, "--name research")
    click.echo(f"ID: {application.client.integer('one.vdc.allocate', content)}")


def _add_group_command(command: str, summary: str) -> None:
    @vdc.command(command, help=summary)
    @click.argument("word", metavar="VDC", type=ObjectWord(VDC))
    @click.argument("groups", nargs=-1, required=True, metavar=several(GROUP), type=ObjectWord(GROUP))
    @pass_application
    def change(application: Application, word: str, groups: tuple[str, ...]) -> None:
        vdc_id, client = Finder(application, VDC).one(word), application.client
        for_each(application, GROUP, groups, lambda item: client.call(f"one.vdc.{command}", vdc_id, item))


def _add_resource_command(command: str, kind: Kind, summary: str) -> None:
    method = f"one.vdc.{command}"

    @vdc.command(command, help=f"{summary} {ALL} means all of the zone.")
    @click.argument("word", metavar="VDC", type=ObjectWord(VDC))
    @click.argument("zone", metavar="ZONE", type=ObjectWord(ZONE))
    @click.argument("members", nargs=-1, required=True, metavar=several(kind), type=ObjectWord(kind))
    @pass_application
    def change(application: Application, word: str, zone: str, members: tuple[str, ...]) -> None:
        vdc_id, client = Finder(application, VDC).one(word), application.client
        zone_id = Finder(application, ZONE).one(zone)
        if members == (ALL,):
            client.call(method, vdc_id, zone_id, ALL_RESOURCES)
        else:
            for_each(application, kind, members, lambda item: client.call(method, vdc_id, zone_id, item))


_add_group_command("addgroup", "Let groups use a virtual data centre.")
_add_group_command("delgroup", "Keep groups from using a virtual data centre.")
for _word, _kind in (("cluster", CLUSTER), ("host", HOST), ("datastore", DATASTORE), ("vnet", NETWORK)):
    _add_resource_command(f"add{_word}", _kind, f"Add {_kind.title}s of a zone.")
    _add_resource_command(f"del{_word}", _kind, f"Take {_kind.title}s of a zone away.")
add_list_command(vdc, LISTING)
add_show_command(vdc, VDC, describe)
add_action(vdc, VDC, "delete", "Remove virtual data centres.")
add_editing_commands(vdc, VDC)
