"""``onehost``."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.application import Application, command_group, pass_application
from opennebula_core.cli.bulk import for_each
from opennebula_core.cli.columns import Column, figure, number, size, text
from opennebula_core.cli.driver_names import warn_of_unknown_driver
from opennebula_core.cli.editing import add_action, add_editing_commands
from opennebula_core.cli.kinds import CLUSTER, HOST, VM
from opennebula_core.cli.listing import Listing, add_list_command
from opennebula_core.cli.monitoring import add_monitoring_command
from opennebula_core.cli.quantities import (
    bytes_text,
    date_text,
    number_text,
    percent_of,
    share_text,
    size_text,
)
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.showing import add_show_command, attributes, identity, ids, section, table
from opennebula_core.cli.states import full_name, state_column, vm_state
from opennebula_core.cli.top import add_top_command
from opennebula_core.cli.vm.columns import LISTING as VM_LISTING
from opennebula_core.cli.words import ObjectWord, several
from opennebula_core.model.states import HostState, LcmState, VmState

host = command_group("host", "Hosts: the machines that VMs run on.")

ENABLE, DISABLE, OFFLINE = 0, 1, 2
RESCHEDULED = (LcmState.RUNNING.name, VmState.POWEROFF.name)
"""States of VMs that a scheduler moves off a flushed host; of one in UNKNOWN nobody knows whether it runs."""
DEFAULT_DRIVER = "kvm"
DEFAULT_CLUSTER = "-1"


def _cpu(item: Element) -> str:
    used, total = figure(item, "HOST_SHARE/CPU_USAGE"), figure(item, "HOST_SHARE/MAX_CPU")
    return share_text(f"{used:.0f}", f"{total:.0f}", percent_of(used, total))


def _memory(item: Element) -> str:
    used, total = figure(item, "HOST_SHARE/MEM_USAGE"), figure(item, "HOST_SHARE/MAX_MEM")
    return share_text(size_text(used), size_text(total), percent_of(used, total))


COLUMNS = (
    number("ID", "ID"),
    text("NAME", "NAME"),
    text("CLUSTER", "CLUSTER"),
    number("TVM", "HOST_SHARE/RUNNING_VMS", also=("RVM", "VMS")),
    Column(
        "ALLOCATED_CPU", _cpu, lambda item: figure(item, "HOST_SHARE/CPU_USAGE"), is_numeric=True,
        raw=lambda item: number_text(figure(item, "HOST_SHARE/CPU_USAGE")),
    ),
    number("MAX_CPU", "HOST_SHARE/MAX_CPU"),
    Column(
        "ALLOCATED_MEM", _memory, lambda item: figure(item, "HOST_SHARE/MEM_USAGE"), is_numeric=True,
        raw=lambda item: bytes_text(figure(item, "HOST_SHARE/MEM_USAGE")),
    ),
    size("MAX_MEM", "HOST_SHARE/MAX_MEM"),
    state_column("STAT", HostState, "STATE", also=("STATE",)),
    text("IM", "IM_MAD"),
    text("VMM", "VM_MAD"),
    Column(
        "REAL_CPU", lambda item: item.findtext("MONITORING/CAPACITY/USED_CPU") or "-",
        lambda item: figure(item, "MONITORING/CAPACITY/USED_CPU"), is_numeric=True,
        raw=lambda item: item.findtext("MONITORING/CAPACITY/USED_CPU") or "",
    ),
    size("REAL_MEM", "MONITORING/CAPACITY/USED_MEMORY"),
    text("ERROR", "TEMPLATE/ERROR"),
)  # fmt: skip
LISTING = Listing(HOST, COLUMNS, ("ID", "NAME", "CLUSTER", "TVM", "ALLOCATED_CPU", "ALLOCATED_MEM", "STAT"))


def describe(application: Application, item: Element) -> None:
    """Print a host for people."""
    section(
        f"host {item.findtext('ID')} information",
        [
            *identity(item),
            ("CLUSTER", item.findtext("CLUSTER", "")),
            ("STATE", full_name(HostState, item.findtext("STATE"))),
            ("IM_MAD", item.findtext("IM_MAD", "")),
            ("VM_MAD", item.findtext("VM_MAD", "")),
            ("LAST MONITORING", date_text(int(figure(item, "MONITORING/TIMESTAMP")))),
        ],
    )
    section("host shares", _shares(item))
    _datastores(item)
    attributes("monitoring information and attributes", item.find("TEMPLATE"))
    wanted = [element.text or "" for element in item.iterfind("VMS/ID")]
    if wanted:
        pool = application.client.element("one.vmpool.infoset", ",".join(wanted), False)
        table("virtual machines", VM_LISTING.chosen(None), pool.findall(VM.element))


def _shares(item: Element) -> list[tuple[str, str]]:
    share = item.find("HOST_SHARE")
    used = item.find("MONITORING/CAPACITY")
    if share is None:
        return []
    real_cpu, real_memory = (
        ("-", "-") if used is None
        else (f"{figure(used, 'USED_CPU'):.0f}", size_text(figure(used, "USED_MEMORY")))
    )  # fmt: skip
    return [
        ("RUNNING VMS", f"{share.findtext('RUNNING_VMS')} ({ids(item, 'VMS')})"),
        ("TOTAL CPU", share.findtext("TOTAL_CPU", "0")),
        ("ALLOCATED CPU", _cpu(item)),
        ("REAL CPU", real_cpu),
        ("TOTAL MEMORY", size_text(figure(share, "TOTAL_MEM"))),
        ("ALLOCATED MEMORY", _memory(item)),
        ("REAL MEMORY", real_memory),
    ]


def _datastores(item: Element) -> None:
    for datastore in item.iterfind("HOST_SHARE/DATASTORES/DS"):
        used, total, free = (figure(datastore, f"{word}_MB") for word in ("USED", "TOTAL", "FREE"))
        section(
            f"local system datastore {datastore.findtext('ID')}",
            [
                ("TOTAL", size_text(total * 1024)),
                ("USED", size_text(used * 1024)),
                ("FREE", size_text(free * 1024)),
            ],
        )


@host.command()
@click.argument("name")
@click.option("-i", "--im", default=DEFAULT_DRIVER, show_default=True, help="Driver that monitors it.")
@click.option("-v", "--vm", default=DEFAULT_DRIVER, show_default=True, help="Driver that runs VMs on it.")
@click.option("-c", "--cluster", default=DEFAULT_CLUSTER, type=ObjectWord(CLUSTER), help="Its cluster.")
@pass_application
def create(application: Application, name: str, im: str, vm: str, cluster: str) -> None:
    """Add a host by its name or address, and begin to monitor it."""
    cluster_id = -1 if cluster == DEFAULT_CLUSTER else Finder(application, CLUSTER).one(cluster)
    click.echo(f"ID: {application.client.integer('one.host.allocate', name, im, vm, cluster_id)}")
    for kind, driver in (("im", im), ("vmm", vm)):
        warn_of_unknown_driver(kind, driver)


@host.command()
@click.argument("words", nargs=-1, required=True, metavar=several(HOST), type=ObjectWord(HOST))
@pass_application
def flush(application: Application, words: tuple[str, ...]) -> None:
    """Disable hosts and have the scheduler move their VMs to others, those that run or are powered off.

    A suspended VM has to be moved by `onevm migrate`. One in UNKNOWN may still run where it is: it is not
    moved, or it might run twice.
    """
    for_each(application, HOST, words, lambda host_id: _flush(application, host_id))


def _flush(application: Application, host_id: int) -> None:
    """Disable a host first: the scheduler must not choose it again."""
    client = application.client
    client.call("one.host.status", host_id, DISABLE)
    wanted = [element.text or "" for element in HOST.info(client, host_id).iterfind("VMS/ID")]
    if not wanted:
        return
    staying = []
    for item in client.element("one.vmpool.infoset", ",".join(wanted), False).iterfind(VM.element):
        if vm_state(item) in RESCHEDULED:
            client.call("one.vm.action", "resched", int(item.findtext("ID", "-1")))
        else:
            staying.append(f"{item.findtext('ID')} ({vm_state(item)})")
    if staying:
        program = click.get_current_context().find_root().info_name
        click.echo(
            f"{program}: host {host_id}: not moved: VM {', '.join(staying)}; the scheduler moves what is "
            f"{' or '.join(RESCHEDULED)}: see to these, 'onevm migrate VM HOST' where they are SUSPENDED",
            err=True,
        )


add_monitoring_command(host, HOST, ("USED_CPU", "FREE_CPU", "USED_MEMORY", "FREE_MEMORY", "NETRX", "NETTX"))
add_list_command(host, LISTING)
add_show_command(host, HOST, describe)
add_action(host, HOST, "delete", "Remove hosts that have no VMs.")
add_action(host, HOST, "enable", "Let hosts be monitored and used.", ENABLE, method="status")
add_action(host, HOST, "disable", "Monitor hosts but place no VMs on them.", DISABLE, method="status")
add_action(host, HOST, "offline", "Neither monitor hosts nor use them.", OFFLINE, method="status")
add_editing_commands(host, HOST)
add_top_command(host, LISTING)
