"""``onecluster``."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.application import Application, command_group, pass_application
from opennebula_core.cli.bulk import for_each
from opennebula_core.cli.columns import Column, number, text
from opennebula_core.cli.editing import add_action, add_editing_commands
from opennebula_core.cli.kinds import CLUSTER, DATASTORE, HOST, NETWORK, Kind
from opennebula_core.cli.listing import Listing, add_list_command
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.showing import add_show_command, attributes, identity, ids, section
from opennebula_core.cli.words import ObjectWord, several

cluster = command_group("cluster", "Clusters: hosts, datastores and networks that belong together.")


def _count(name: str) -> Column:
    """Return a column of how many members there are of a kind."""
    return Column(
        name,
        lambda item: str(len(item.findall(f"{name}/ID"))),
        lambda item: len(item.findall(f"{name}/ID")),
        is_numeric=True,
    )


COLUMNS = (number("ID", "ID"), text("NAME", "NAME"), _count("HOSTS"), _count("VNETS"), _count("DATASTORES"))
LISTING = Listing(CLUSTER, COLUMNS, ("ID", "NAME", "HOSTS", "VNETS", "DATASTORES"))


def describe(application: Application, item: Element) -> None:
    """Print a cluster for people."""
    members = [(name, ids(item, name)) for name in ("HOSTS", "VNETS", "DATASTORES")]
    section(f"cluster {item.findtext('ID')} information", [*identity(item), *members])
    attributes("cluster template", item.find("TEMPLATE"))


@cluster.command()
@click.argument("name")
@pass_application
def create(application: Application, name: str) -> None:
    """Make a cluster."""
    click.echo(f"ID: {application.client.integer('one.cluster.allocate', name)}")


def _add_membership(command: str, kind: Kind, summary: str) -> None:
    @cluster.command(command, help=summary)
    @click.argument("word", metavar="CLUSTER", type=ObjectWord(CLUSTER))
    @click.argument("members", nargs=-1, required=True, metavar=several(kind), type=ObjectWord(kind))
    @pass_application
    def change(application: Application, word: str, members: tuple[str, ...]) -> None:
        cluster_id, client = Finder(application, CLUSTER).one(word), application.client
        method = f"one.cluster.{command}"
        for_each(application, kind, members, lambda member: client.call(method, cluster_id, member))


_add_membership("addhost", HOST, "Move hosts into a cluster.")
_add_membership("delhost", HOST, "Move hosts back to the default cluster.")
_add_membership("adddatastore", DATASTORE, "Let a cluster use datastores.")
_add_membership("deldatastore", DATASTORE, "Keep a cluster from using datastores.")
_add_membership("addvnet", NETWORK, "Let a cluster use networks.")
_add_membership("delvnet", NETWORK, "Keep a cluster from using networks.")
add_list_command(cluster, LISTING)
add_show_command(cluster, CLUSTER, describe)
add_action(cluster, CLUSTER, "delete", "Remove empty clusters.")
add_editing_commands(cluster, CLUSTER)
