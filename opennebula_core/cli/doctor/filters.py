"""Security groups: whether hosts can put their rules in force, and whether all VMs have them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from opennebula_core.cli.application import Application
from opennebula_core.cli.doctor.findings import Finding, limited, ok, warning
from opennebula_core.cli.kinds import SECURITY_GROUP

FILTERING: Final = frozenset({"bridge"})
"""Network drivers that filter packets by nftables on the hosts."""


def examine_filters(
    application: Application, hosts: Sequence[Element], network_drivers: Collection[str]
) -> Iterator[Finding]:
    """Yield what keeps rules from being in force.

    :param network_drivers: those that networks name
    """
    groups = SECURITY_GROUP.list(application.client).findall(SECURITY_GROUP.element)
    findings = [finding for group in groups for finding in _of_group(group)]
    used = sorted(FILTERING.intersection(network_drivers))
    if used:
        findings += _of_hosts(hosts, used[0])
    if not findings:
        yield ok("filters", f"{len(groups)} security groups, all of their VMs have the rules")
    yield from limited(findings, "onesecgroup list; onehost list -l ID,NAME,STAT")


def _of_group(group: Element) -> Iterator[Finding]:
    failed = [found.text or "" for found in group.iterfind("ERROR_VMS/ID")]
    if failed:
        group_id = group.findtext("ID", "")
        yield warning(
            "filters",
            f"{len(failed)} VMs do not have the rules of security group {group_id}, such as VM {failed[0]}",
            f"onevm log {failed[0]}; then: onesecgroup commit {group_id} --recovery",
        )


def _of_hosts(hosts: Sequence[Element], driver: str) -> Iterator[Finding]:
    for host in hosts:
        if host.findtext("TEMPLATE/NFT") == "NO":
            yield warning(
                "filters",
                f"{host.findtext('NAME')} has no nft: VMs whose security groups stop anything cannot start "
                f"there on networks of driver {driver!r}",
                "apt-get install nftables, there",
            )
