"""``onegroup``."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.application import Application, command_group, pass_application
from opennebula_core.cli.bulk import for_each
from opennebula_core.cli.columns import Column, number, text
from opennebula_core.cli.editing import add_action, add_editing_commands
from opennebula_core.cli.kinds import GROUP, USER, VDC
from opennebula_core.cli.listing import Listing, add_list_command
from opennebula_core.cli.quota_tables import quota_tables
from opennebula_core.cli.quotas import add_quota_commands
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.showing import add_show_command, attributes, identity, ids, section
from opennebula_core.cli.usage import USAGE
from opennebula_core.cli.words import ObjectWord, several
from opennebula_core.model.acl import parse_rule

group = command_group("group", "Groups of users.")

CALLERS_GROUP = "-1"
COLUMNS = (
    number("ID", "ID"),
    text("NAME", "NAME"),
    Column(
        "USERS",
        lambda item: str(len(item.findall("USERS/ID"))),
        lambda item: len(item.findall("USERS/ID")),
        is_numeric=True,
    ),
    *USAGE,
)
LISTING = Listing(GROUP, COLUMNS, ("ID", "NAME", "USERS", "VMS", "MEMORY", "CPU"))
MEMBERS_MAKE = "@{id} VM+IMAGE+TEMPLATE+DOCUMENT+SECGROUP+VMGROUP/* CREATE"
"""What members of a new group may make. Source: OpenNebula 6.10, whose command line adds this rule, too."""


def describe(application: Application, item: Element) -> None:
    """Print a group for people."""
    facts = [*identity(item), ("USERS", ids(item, "USERS")), ("ADMINS", ids(item, "ADMINS"))]
    facts.append(("VDCS", _vdcs(application, item.findtext("ID"))))
    section(f"group {item.findtext('ID')} information", facts)
    attributes("group template", item.find("TEMPLATE"))
    quota_tables(item)


def _vdcs(application: Application, group_id: str | None) -> str:
    """Return the virtual data centres of a group, those that the caller may see."""
    pool = VDC.list(application.client)
    of_group = (
        vdc.findtext("NAME", "")
        for vdc in pool.iterfind("VDC")
        if any(found.text == group_id for found in vdc.iterfind("GROUPS/ID"))
    )
    return ",".join(sorted(of_group)) or "-"


@group.command()
@click.argument("name")
@click.option("--no-rule", is_flag=True, help="Do not let its members make VMs, images and templates.")
@pass_application
def create(application: Application, name: str, no_rule: bool) -> None:
    """Make a group; its members may make VMs, images and templates."""
    group_id = application.client.integer("one.group.allocate", name)
    click.echo(f"ID: {group_id}")
    if not no_rule:
        rule = parse_rule(MEMBERS_MAKE.format(id=group_id))
        numbers = [f"{number:x}" for number in (rule.user, rule.resource, rule.rights, rule.zone)]
        application.client.call("one.acl.addrule", *numbers)


def _add_administration(command: str, summary: str) -> None:
    @group.command(command, help=summary)
    @click.argument("word", metavar="GROUP", type=ObjectWord(GROUP))
    @click.argument("users", nargs=-1, required=True, metavar=several(USER), type=ObjectWord(USER))
    @pass_application
    def change(application: Application, word: str, users: tuple[str, ...]) -> None:
        group_id, client = Finder(application, GROUP).one(word), application.client
        method = f"one.group.{command}"
        for_each(application, USER, users, lambda user_id: client.call(method, group_id, user_id))


_add_administration("addadmin", "Make members administrators of a group.")
_add_administration("deladmin", "Make administrators plain members.")
add_list_command(group, LISTING)
add_show_command(group, GROUP, describe, default=CALLERS_GROUP)
add_action(group, GROUP, "delete", "Remove empty groups.")
add_editing_commands(group, GROUP)
add_quota_commands(group, GROUP)
