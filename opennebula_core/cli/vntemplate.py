"""``onevntemplate``."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.application import Application, command_group, pass_application
from opennebula_core.cli.columns import date, figure
from opennebula_core.cli.contents import attribute_option
from opennebula_core.cli.editing import add_action, add_clone_command, add_editing_commands
from opennebula_core.cli.kinds import NETWORK_TEMPLATE
from opennebula_core.cli.listing import OWNED, Listing, add_list_command
from opennebula_core.cli.ownership import add_ownership_commands
from opennebula_core.cli.quantities import date_text
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.showing import add_show_command, attributes, identity, permissions, section
from opennebula_core.cli.texts import parse_attributes, read_text, template_of
from opennebula_core.cli.vnet import range_vector
from opennebula_core.cli.words import ObjectWord
from opennebula_core.model.template import Template

vntemplate = command_group("vntemplate", "Templates of virtual networks.")

COLUMNS = (*OWNED, date("REGTIME", "REGTIME"))
LISTING = Listing(NETWORK_TEMPLATE, COLUMNS, ("ID", "USER", "GROUP", "NAME", "REGTIME"))


def describe(application: Application, item: Element) -> None:
    """Print a template of networks for people."""
    section(
        f"network template {item.findtext('ID')} information",
        [*identity(item), ("REGISTER TIME", date_text(int(figure(item, "REGTIME"))))],
    )
    permissions(item)
    attributes("template contents", item.find("TEMPLATE"))


@vntemplate.command()
@click.argument("file", required=False, metavar="[FILE]")
@click.option("--name", help="Name of the template.")
@attribute_option
@pass_application
def create(application: Application, /, file: str | None, **options: Any) -> None:
    """Keep a template of networks: from a FILE (- is standard input), from options, or both."""
    content = template_of(file, _described(options), "--name lan --attribute VN_MAD=bridge")
    click.echo(f"ID: {application.client.integer('one.vntemplate.allocate', content)}")


def _described(options: dict[str, Any]) -> Template:
    described = Template()
    if options["name"]:
        described.set("NAME", options["name"])
    for name, value in parse_attributes(options["attributes"]):
        described.add(name, value)
    return described


@vntemplate.command()
@click.argument("word", metavar="TEMPLATE", type=ObjectWord(NETWORK_TEMPLATE))
@click.argument("file", required=False, metavar="[FILE]")
@click.option("--name", default="", help="Name of the network.")
@click.option("--ip", help="First address of its range, in place of the template's ranges.")
@click.option("--mac", help="First MAC address of it.")
@click.option("--size", type=click.IntRange(min=1), help="Number of addresses of it.")
@attribute_option
@pass_application
def instantiate(application: Application, /, word: str, file: str | None, **options: Any) -> None:
    """Make a network from a template; attributes, or a FILE (- is standard input), add to it and replace."""
    template_id = Finder(application, NETWORK_TEMPLATE).one(word)
    extra = Template.parse(read_text(file)) if file else Template()
    extra.merge(_described({**options, "name": None}))
    if options["ip"] or options["mac"] or options["size"]:
        extra.set("AR", range_vector(options))
    network_id = application.client.integer(
        "one.vntemplate.instantiate", template_id, options["name"], extra.to_text()
    )
    click.echo(f"ID: {network_id}")


add_list_command(vntemplate, LISTING)
add_show_command(vntemplate, NETWORK_TEMPLATE, describe)
add_clone_command(vntemplate, NETWORK_TEMPLATE)
add_action(vntemplate, NETWORK_TEMPLATE, "delete", "Remove templates; networks made from them stay.")
add_editing_commands(vntemplate, NETWORK_TEMPLATE)
add_ownership_commands(vntemplate, NETWORK_TEMPLATE)
