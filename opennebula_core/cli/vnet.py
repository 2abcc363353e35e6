"""``onevnet``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.application import Application, command_group, pass_application
from opennebula_core.cli.columns import Column, figure, number, text
from opennebula_core.cli.contents import attribute_option
from opennebula_core.cli.editing import add_action, add_editing_commands
from opennebula_core.cli.kinds import CLUSTER, NETWORK
from opennebula_core.cli.listing import Listing, add_list_command
from opennebula_core.cli.ownership import add_ownership_commands
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.showing import (
    add_show_command,
    attributes,
    identity,
    ids,
    permissions,
    section,
    table,
)
from opennebula_core.cli.states import full_name, state_column
from opennebula_core.cli.texts import parse_attributes, template_of
from opennebula_core.cli.words import ObjectWord
from opennebula_core.model.states import NetworkState
from opennebula_core.model.template import Template

vnet = command_group("vnet", "Virtual networks.")

HELD_BY_HAND = "-1"
_ATTRIBUTES = {
    "name": "NAME",
    "driver": "VN_MAD",
    "bridge": "BRIDGE",
    "gateway": "GATEWAY",
    "netmask": "NETWORK_MASK",
}
COLUMNS = (
    number("ID", "ID"),
    text("USER", "UNAME"),
    text("GROUP", "GNAME"),
    text("NAME", "NAME"),
    Column("CLUSTERS", lambda item: ids(item, "CLUSTERS")),
    text("BRIDGE", "BRIDGE"),
    state_column("STATE", NetworkState, "STATE", also=("STAT",)),
    number("LEASES", "USED_LEASES"),
    Column("SIZE", lambda item: f"{_size(item):.0f}", lambda item: _size(item), is_numeric=True),
    text("VN_MAD", "VN_MAD"),
)
LISTING = Listing(NETWORK, COLUMNS, ("ID", "USER", "GROUP", "NAME", "CLUSTERS", "BRIDGE", "STATE", "LEASES"))


def _size(item: Element) -> float:
    return sum(figure(found, "SIZE") for found in item.iterfind("AR_POOL/AR"))


def _holder(item: Element) -> str:
    reservation_id = item.findtext("VNET")
    if reservation_id:
        return f"NET:{reservation_id}"
    vm_id = item.findtext("VM", "")
    return "held" if vm_id == HELD_BY_HAND else f"V:{vm_id}"


_RANGES = (
    number("AR", "AR_ID"),
    text("TYPE", "TYPE"),
    number("SIZE", "SIZE"),
    number("LEASES", "USED_LEASES"),
    text("MAC", "MAC"),
    Column("IP", lambda item: item.findtext("IP") or item.findtext("IP6_GLOBAL") or "-"),
    Column("LAST", lambda item: item.findtext("IP_END") or item.findtext("MAC_END") or "-"),
)
_LEASES = (
    Column("OWNER", _holder),
    text("MAC", "MAC"),
    text("IP", "IP"),
    Column("IP6", lambda item: item.findtext("IP6_GLOBAL") or item.findtext("IP6") or ""),
)


def describe(application: Application, item: Element) -> None:
    """Print a network for people."""
    facts = [(name, item.findtext(name) or "-") for name in ("BRIDGE", "VN_MAD", "PHYDEV", "VLAN_ID")]
    section(
        f"virtual network {item.findtext('ID')} information",
        [
            *identity(item),
            ("CLUSTERS", ids(item, "CLUSTERS")),
            ("STATE", full_name(NetworkState, item.findtext("STATE"))),
            *facts,
            ("USED LEASES", item.findtext("USED_LEASES", "0")),
        ],
    )
    permissions(item)
    attributes("virtual network template", item.find("TEMPLATE"))
    table("address ranges", _RANGES, item.findall("AR_POOL/AR"))
    table("leases", _LEASES, item.findall("AR_POOL/AR/LEASES/LEASE"))


@vnet.command()
@click.argument("file", required=False, metavar="[FILE]")
@click.option("--name", help="Name of the network.")
@click.option("--driver", help="Driver that makes it on the hosts, such as bridge.")
@click.option("--bridge", help="Bridge on the hosts; one is made without it.")
@click.option("--ip", help="First address of its range.")
@click.option("--size", type=click.IntRange(min=1), help="Number of addresses.")
@click.option("--gateway", help="What guests send everything else to.")
@click.option("--netmask", help="Such as 255.255.255.0.")
@attribute_option
@click.option("-c", "--cluster", type=ObjectWord(CLUSTER), help="Its cluster.")
@pass_application
def create(application: Application, /, file: str | None, cluster: str | None, **options: Any) -> None:
    """Make a network: from a template FILE (- is standard input), from options, or both."""
    described = template_of(file, _described(options), "--name lan --driver bridge --ip 10.0.0.10 --size 100")
    cluster_id = Finder(application, CLUSTER).one(cluster) if cluster else -1
    click.echo(f"ID: {application.client.integer('one.vn.allocate', described, cluster_id)}")


def _described(options: Mapping[str, Any]) -> Template:
    template = Template()
    for option, name in _ATTRIBUTES.items():
        if options[option]:
            template.set(name, options[option])
    for name, value in parse_attributes(options["attributes"]):
        template.add(name, value)
    if options["ip"] or options["size"]:
        template.add("AR", range_vector({**options, "mac": None}))
    return template


def range_vector(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the AR vector that the options ``ip``, ``mac`` and ``size`` describe."""
    vector = {"TYPE": "IP4" if options["ip"] else "ETHER", "SIZE": str(options["size"] or 1)}
    for name in ("ip", "mac"):
        if options[name]:
            vector[name.upper()] = options[name]
    return vector


@vnet.command()
@click.argument("word", metavar="NETWORK", type=ObjectWord(NETWORK))
@click.argument("file", required=False, metavar="[FILE]")
@click.option("--ip", help="First address.")
@click.option("--mac", help="First MAC address; made from the IP address without it.")
@click.option("--size", type=click.IntRange(min=1), help="Number of addresses.")
@pass_application
def addar(application: Application, /, word: str, file: str | None, **options: Any) -> None:
    """Add a range of addresses: from options, or a template FILE with an AR vector."""
    described = Template()
    if any(options.values()):
        described.add("AR", range_vector(options))
    text_of_range = template_of(file, described, "--ip 10.0.0.10 --size 100")
    application.client.call("one.vn.add_ar", Finder(application, NETWORK).one(word), text_of_range)


@vnet.command()
@click.argument("word", metavar="NETWORK", type=ObjectWord(NETWORK))
@click.argument("range_id", metavar="RANGE", type=int)
@click.option("--force", is_flag=True, help="Even when addresses of it are in use.")
@pass_application
def rmar(application: Application, word: str, range_id: int, force: bool) -> None:
    """Remove a range of addresses."""
    application.client.call("one.vn.rm_ar", Finder(application, NETWORK).one(word), range_id, force)


@vnet.command()
@click.argument("word", metavar="NETWORK", type=ObjectWord(NETWORK))
@click.argument("range_id", metavar="RANGE", type=int)
@click.option("--size", type=click.IntRange(min=1), help="New number of addresses.")
@attribute_option
@pass_application
def updatear(
    application: Application, word: str, range_id: int, size: int | None, attributes: tuple[str, ...]
) -> None:
    """Change a range: its size, its attributes (which take the place of the old ones)."""
    vector = {"AR_ID": str(range_id), **dict(parse_attributes(attributes))}
    if size is not None:
        vector["SIZE"] = str(size)
    text_of_range = Template((("AR", vector),)).to_text()
    application.client.call("one.vn.update_ar", Finder(application, NETWORK).one(word), text_of_range)


def _address_command(name: str, summary: str) -> None:
    @vnet.command(name, help=summary)
    @click.argument("word", metavar="NETWORK", type=ObjectWord(NETWORK))
    @click.argument("address", metavar="ADDRESS")
    @pass_application
    def act(application: Application, word: str, address: str) -> None:
        vector = {"MAC" if address.count(":") == 5 else "IP": address}
        text_of_address = Template((("LEASES", vector),)).to_text()
        application.client.call(f"one.vn.{name}", Finder(application, NETWORK).one(word), text_of_address)


@vnet.command()
@click.argument("word", metavar="NETWORK", type=ObjectWord(NETWORK))
@click.argument("file", required=False, metavar="[FILE]")
@click.option("-n", "--name", help="Name of the reservation.")
@click.option("-s", "--size", type=click.IntRange(min=1), help="Number of addresses, in a row.")
@click.option("-a", "--address_range", "--range", "range_id", type=int, help="From this range.")
@click.option("--ip", help="From this IP address on.")
@click.option("--mac", help="From this MAC address on.")
@click.option("-t", "--to", type=ObjectWord(NETWORK), help="Add them to this reservation.")
@pass_application
def reserve(application: Application, /, word: str, file: str | None, to: str | None, **options: Any) -> None:
    """Reserve a block of a network's addresses: they become a network of yours."""
    finder = Finder(application, NETWORK)
    wanted = Template()
    for option, name in (
        ("name", "NAME"), ("size", "SIZE"), ("range_id", "AR_ID"), ("ip", "IP"), ("mac", "MAC"),
    ):  # fmt: skip
        if options[option] is not None:
            wanted.set(name, str(options[option]))
    if to:
        wanted.set("NETWORK_ID", str(finder.one(to)))
    text_of_wish = template_of(file, wanted, "--name mine --size 10")
    click.echo(f"ID: {application.client.integer('one.vn.reserve', finder.one(word), text_of_wish)}")


_address_command("hold", "Keep an address (IP or MAC) from being leased.")
_address_command("release", "Let a held address be leased.")
add_list_command(vnet, LISTING)
add_show_command(vnet, NETWORK, describe)
add_action(vnet, NETWORK, "delete", "Remove networks without leases.")
add_editing_commands(vnet, NETWORK)
add_ownership_commands(vnet, NETWORK)
