"""``onesecgroup``."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.application import Application, command_group, pass_application
from opennebula_core.cli.bulk import for_each
from opennebula_core.cli.columns import Column, text
from opennebula_core.cli.contents import attribute_option
from opennebula_core.cli.editing import add_action, add_clone_command, add_editing_commands
from opennebula_core.cli.kinds import SECURITY_GROUP
from opennebula_core.cli.listing import OWNED, Listing, add_list_command
from opennebula_core.cli.ownership import add_ownership_commands
from opennebula_core.cli.showing import (
    add_show_command,
    attributes,
    identity,
    ids,
    permissions,
    section,
    table,
)
from opennebula_core.cli.texts import parse_attributes, split_vector, template_of
from opennebula_core.cli.waiting import REMOVED, Follower, Situation, look_in_pool, wait_options
from opennebula_core.cli.words import ObjectWord, several
from opennebula_core.model.template import Template

secgroup = command_group("secgroup", "Security groups: rules for the traffic of VMs.")

_VMS = ("UPDATED_VMS", "OUTDATED_VMS", "UPDATING_VMS", "ERROR_VMS")
COLUMNS = (
    *OWNED,
    Column(
        "RULES", lambda item: str(len(item.findall("TEMPLATE/RULE"))),
        lambda item: len(item.findall("TEMPLATE/RULE")), is_numeric=True,
    ),
    *(Column(name.removesuffix("_VMS"), lambda item, name=name: ids(item, name)) for name in _VMS),  # type: ignore[misc] # the default binds each name
)  # fmt: skip
LISTING = Listing(
    SECURITY_GROUP, COLUMNS, ("ID", "USER", "GROUP", "NAME", "UPDATED", "OUTDATED", "ERROR")
)  # fmt: skip


def _network(rule: Element) -> str:
    """Return whose traffic a rule is about: a network of the cloud, a range of addresses, or any."""
    if network_id := rule.findtext("NETWORK_ID"):
        return f"VNet {network_id}"
    address, size = rule.findtext("IP"), rule.findtext("SIZE")
    return f"{address} + {size}" if address else "Any"


_RULES = (
    text("TYPE", "RULE_TYPE"),
    text("PROTOCOL", "PROTOCOL"),
    Column("ICMP_TYPE", lambda rule: rule.findtext("ICMP_TYPE") or rule.findtext("ICMPV6_TYPE") or ""),
    Column("NETWORK", _network),
    Column("RANGE", lambda rule: rule.findtext("RANGE") or "All"),
)


def describe(application: Application, item: Element) -> None:
    """Print a security group for people."""
    section(
        f"security group {item.findtext('ID')} information",
        [*identity(item), *((name.replace("_", " "), ids(item, name)) for name in _VMS)],
    )
    permissions(item)
    table("rules", _RULES, item.findall("TEMPLATE/RULE"))
    attributes("template contents", item.find("TEMPLATE"), without=("RULE",))


@secgroup.command()
@click.argument("file", required=False, metavar="[FILE]")
@click.option("--name", help="Name of the security group.")
@click.option(
    "--rule", "rules", multiple=True, metavar="KEY=VALUE[:KEY=VALUE]...",
    help="A rule, such as PROTOCOL=TCP:RULE_TYPE=inbound:RANGE=22,80; may be repeated.",
)  # fmt: skip
@attribute_option
@pass_application
def create(application: Application, /, file: str | None, **options: Any) -> None:
    """Make a security group: from a template FILE (- is standard input), from options, or both."""
    described = Template()
    if options["name"]:
        described.set("NAME", options["name"])
    for name, value in parse_attributes(options["attributes"]):
        described.add(name, value)
    for rule in options["rules"]:
        described.add("RULE", dict(parse_attributes(split_vector(rule))))
    content = template_of(file, described, "--name web --rule PROTOCOL=TCP:RULE_TYPE=inbound:RANGE=80")
    click.echo(f"ID: {application.client.integer('one.secgroup.allocate', content)}")


@secgroup.command()
@click.argument(
    "words", nargs=-1, required=True, metavar=several(SECURITY_GROUP), type=ObjectWord(SECURITY_GROUP)
)
@click.option("-r", "--recovery", is_flag=True, help="Only VMs that do not have the new rules yet.")
@wait_options
@pass_application
def commit(
    application: Application, words: tuple[str, ...], recovery: bool, wait: bool, timeout: float
) -> None:
    """Bring the rules of security groups to the VMs that have them."""
    client = application.client
    done = for_each(
        application, SECURITY_GROUP, words, lambda item: client.call("one.secgroup.commit", item, recovery)
    )
    if wait:
        wait_for_rules(application, done, timeout)


def wait_for_rules(application: Application, group_ids: Collection[int], timeout_s: float) -> None:
    """Wait until all VMs of security groups have the rules; those that cannot have them are reported."""
    client = application.client
    look = look_in_pool(client, SECURITY_GROUP)
    follower = Follower(
        client, SECURITY_GROUP.title, "onesecgroup", look, _situation, REMOVED, lambda group_id: None
    )
    follower.follow(group_ids, timeout_s)


def _situation(group: Element) -> Situation:
    """Say how far the VMs of a group are with its rules."""
    updated, outdated, updating, failed = (len(group.findall(f"{name}/ID")) for name in _VMS)
    if outdated or updating:
        total = updated + outdated + updating + failed
        return Situation(f"{updated} of {total} VMs have the rules", is_there=False)
    if failed:
        problem = f"{ids(group, 'ERROR_VMS')}; see onevm log, then commit with --recovery"
        return Situation(f"{failed} VMs do not have the rules", is_there=False, problem=problem)
    return Situation(f"all of {updated} VMs have the rules", is_there=True)


add_list_command(secgroup, LISTING)
add_show_command(secgroup, SECURITY_GROUP, describe)
add_clone_command(secgroup, SECURITY_GROUP)
add_action(secgroup, SECURITY_GROUP, "delete", "Remove security groups that no VM has.")
add_editing_commands(secgroup, SECURITY_GROUP)
add_ownership_commands(secgroup, SECURITY_GROUP, can_lock=False)
