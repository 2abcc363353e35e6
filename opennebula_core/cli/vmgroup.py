"""``onevmgroup``."""

from __future__ import annotations

from typing import Any, Final
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.application import Application, command_group, pass_application
from opennebula_core.cli.columns import Column, number, text
from opennebula_core.cli.contents import attribute_option
from opennebula_core.cli.editing import add_action, add_editing_commands
from opennebula_core.cli.kinds import VM_GROUP
from opennebula_core.cli.listing import OWNED, Listing, add_list_command
from opennebula_core.cli.ownership import add_ownership_commands
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.showing import (
    add_show_command,
    attributes,
    identity,
    permissions,
    section,
    table,
)
from opennebula_core.cli.texts import (
    TextError,
    edited,
    is_piped,
    parse_attributes,
    read_text,
    split_vector,
    template_of,
)
from opennebula_core.cli.words import ObjectWord
from opennebula_core.model.template import Template, Vector

vmgroup = command_group(
    "vmgroup", "Groups of VMs, whose roles say which of them run together and which apart."
)

_ROLE: Final = "ROLE"


def _roles(item: Element) -> list[Element]:
    return item.findall("ROLES/ROLE")


def _vms(item: Element) -> int:
    return sum(len(list(filter(None, (role.findtext("VMS") or "").split(",")))) for role in _roles(item))


COLUMNS = (
    *OWNED,
    Column("VMS", lambda item: str(_vms(item)), _vms, is_numeric=True),
    Column("ROLES", lambda item: ", ".join(role.findtext("NAME", "") for role in _roles(item)) or "-"),
)
LISTING = Listing(VM_GROUP, COLUMNS, ("ID", "USER", "GROUP", "NAME", "VMS", "ROLES"))
_ROLE_COLUMNS = (
    number("ID", "ID"),
    text("NAME", "NAME"),
    Column("POLICY", lambda role: role.findtext("POLICY") or "-"),
    Column("AFFINED_HOSTS", lambda role: role.findtext("HOST_AFFINED") or "-"),
    Column("ANTI_AFFINED_HOSTS", lambda role: role.findtext("HOST_ANTI_AFFINED") or "-"),
    Column("VIRTUAL_MACHINES", lambda role: role.findtext("VMS") or "-"),
)


def describe(application: Application, item: Element) -> None:
    """Print a group of VMs for people."""
    section(f"vm group {item.findtext('ID')} information", identity(item))
    permissions(item)
    table("roles", _ROLE_COLUMNS, _roles(item))
    attributes("template contents", item.find("TEMPLATE"))


@vmgroup.command()
@click.argument("file", required=False, metavar="[FILE]")
@click.option("--name", help="Name of the group.")
@click.option(
    "--role", "roles", multiple=True, metavar="KEY=VALUE[:KEY=VALUE]...",
    help="A role, such as NAME=db:POLICY=ANTI_AFFINED; may be repeated.",
)  # fmt: skip
@click.option("--affined", multiple=True, metavar="ROLE,ROLE...", help="Roles that run on the same host.")
@click.option("--anti-affined", multiple=True, metavar="ROLE,ROLE...", help="Roles that share no host.")
@attribute_option
@pass_application
def create(application: Application, /, file: str | None, **options: Any) -> None:
    """Make a group of VMs: from a template FILE (- is standard input), from options, or both."""
    described = Template()
    if options["name"]:
        described.set("NAME", options["name"])
    for role in options["roles"]:
        described.add(_ROLE, dict(parse_attributes(split_vector(role))))
    for option, name in (("affined", "AFFINED"), ("anti_affined", "ANTI_AFFINED")):
        for rule in options[option]:
            described.add(name, rule)
    for name, value in parse_attributes(options["attributes"]):
        described.add(name, value)
    content = template_of(file, described, "--name app --role NAME=db:POLICY=ANTI_AFFINED")
    click.echo(f"ID: {application.client.integer('one.vmgroup.allocate', content)}")


def _role_text(given: str) -> str:
    """Return the ROLE vector of a text, which may have it, or its attributes alone.

    :raises TextError: it has neither
    """
    found = Template.parse(given)
    role = found.vector(_ROLE) or Vector((name, value) for name, value in found if isinstance(value, str))
    if not role:
        raise TextError("the text describes no role; write attributes such as NAME=db, or ROLE=[NAME=db]")
    return Template(((_ROLE, role),)).to_text()


def _role(application: Application, group_id: int, word: str) -> Element:
    """Return a role that is named by its id or its name.

    :raises TextError: the group has no such role
    """
    roles = _roles(VM_GROUP.info(application.client, group_id))
    for role in roles:
        if word in (role.findtext("ID"), role.findtext("NAME")):
            return role
    there = ", ".join(role.findtext("NAME", "") for role in roles) or "none"
    raise TextError(f"find role {word!r} of VM group {group_id}: there is none; it has {there}")


def _id(role: Element) -> int:
    return int(role.findtext("ID", ""))


_group_argument = click.argument("word", metavar=VM_GROUP.word, type=ObjectWord(VM_GROUP))
_file_argument = click.argument("file", required=False, metavar="[FILE]")


@vmgroup.command("role-add")
@_group_argument
@_file_argument
@click.option("--name", help="Name of the role.")
@click.option("--policy", help="AFFINED, ANTI_AFFINED or NONE: whether its VMs share a host.")
@pass_application
def role_add(application: Application, /, word: str, file: str | None, **options: str | None) -> None:
    """Add a role to a group: from a FILE (- is standard input), or from options."""
    described = Template((name.upper(), value) for name, value in options.items() if value)
    content = template_of(file, described, "--name db --policy ANTI_AFFINED")
    group_id = Finder(application, VM_GROUP).one(word)
    application.client.call("one.vmgroup.roleadd", group_id, _role_text(content))


@vmgroup.command("role-update")
@_group_argument
@click.argument("role", metavar="ROLE")
@_file_argument
@pass_application
def role_update(application: Application, word: str, role: str, file: str | None) -> None:
    """Change a role that has no VMs: from FILE, from standard input (-), or in $EDITOR."""
    group_id = Finder(application, VM_GROUP).one(word)
    present = _role(application, group_id, role)
    if file is not None or is_piped():
        given: str | None = read_text(file)
    else:
        given = edited(Template.from_element(present).to_text() + "\n")
    if given is None:
        click.echo("Nothing was changed.", err=True)
        return
    application.client.call("one.vmgroup.roleupdate", group_id, _id(present), _role_text(given))


@vmgroup.command("role-delete")
@_group_argument
@click.argument("role", metavar="ROLE")
@pass_application
def role_delete(application: Application, word: str, role: str) -> None:
    """Remove a role that has no VMs."""
    group_id = Finder(application, VM_GROUP).one(word)
    application.client.call("one.vmgroup.roledelete", group_id, _id(_role(application, group_id, role)))


add_list_command(vmgroup, LISTING)
add_show_command(vmgroup, VM_GROUP, describe)
add_action(vmgroup, VM_GROUP, "delete", "Remove groups that have no VMs.")
add_editing_commands(vmgroup, VM_GROUP)
add_ownership_commands(vmgroup, VM_GROUP)
