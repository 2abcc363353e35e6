"""Which VMs have which security groups: said by their NICs, kept in the groups' lists and the VMs' rules.

All of it changes inside the transaction that changes the NICs.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.model.numbers import whole_number
from opennebula_core.model.objects import AddressRange, SecurityGroup, Vm
from opennebula_core.model.security_rules import MAX_RULES, group_ids
from opennebula_core.model.template import Template, Vector

RULE: Final = "SECURITY_GROUP_RULE"
GROUP_ID: Final = "SECURITY_GROUP_ID"
_NICS: Final = ("NIC", "NIC_ALIAS")
_OF_RANGE: Final = ("IP", "IP6", "SIZE", "MAC", "TYPE", "AR_ID", "GLOBAL_PREFIX", "ULA_PREFIX")


def take_groups(tx: Transaction, vm: Vm, *, is_new: bool = False) -> None:
    """Have lists of groups, and rules of a VM, follow its NICs; the caller saves the VM.

    Rules of a group that the VM has already stay as they are: a group's update brings them to all its VMs.

    :param is_new: the VM is being made, no list can have it
    """
    wanted = groups_of_nics(vm.template)
    present = [] if is_new else tx.security_groups.groups_of_vm(vm.id)
    for group_id in present:
        if group_id not in wanted:
            tx.security_groups.drop_vm(vm.id, group_id)
            remove_rules(vm.template, group_id)
    for group_id in wanted:
        if group_id not in present:
            _join(tx, vm, group_id)


def _join(tx: Transaction, vm: Vm, group_id: int) -> None:
    group = tx.security_groups.find(group_id)
    remove_rules(vm.template, group_id)
    if group is not None:  # a network may name one that is gone: it lets nothing through
        tx.security_groups.add_vm(group_id, vm.id)
        add_rules(tx, vm.template, group)


def groups_of_nics(template: Template) -> list[int]:
    """Return the ids of the groups that the NICs of a VM's template name, each once."""
    texts = (nic.get("SECURITY_GROUPS", "") for kind in _NICS for nic in template.vectors(kind))
    return group_ids(",".join(texts))


def remove_rules(template: Template, group_id: int) -> None:
    """Take the rules of one group out of a VM's template."""
    present = template.vectors(RULE)
    kept = [rule for rule in present if rule.get(GROUP_ID) != str(group_id)]
    if len(kept) < len(present):
        template.remove(RULE)
        for rule in kept:
            template.add(RULE, rule)


def add_rules(tx: Snapshot, template: Template, group: SecurityGroup) -> None:
    """Put the rules of a group into a VM's template."""
    # A network may have got more ranges since its rules were written; what does not fit opens nothing.
    for rule in islice(rules_of(tx, group.template), MAX_RULES):
        template.add(RULE, {**rule, GROUP_ID: str(group.id), "SECURITY_GROUP_NAME": group.name})


def rules_of(tx: Snapshot, template: Template) -> Iterator[Vector]:
    """Yield the rules of a group's template as VMs have them, but for the group's id and name.

    One about a network comes once for each of its address ranges.
    Source: OpenNebula 6.10, SECURITY_GROUP_RULE; the prefixes of IPv6 ranges are ours.
    """
    ranges: dict[str, list[AddressRange]] = {}
    for given in template.vectors("RULE"):
        named = given.get("NETWORK_ID", "")
        if not named:
            yield Vector(given)
            continue
        if named not in ranges:
            network_id = whole_number(named)
            network = tx.networks.find(network_id) if network_id is not None else None
            ranges[named] = network.ranges if network is not None else []
        for address_range in ranges[named]:
            yield _about(given, address_range)


def _about(rule: Vector, address_range: AddressRange) -> Vector:
    about = Vector((name, value) for name, value in rule.items() if name not in _OF_RANGE)
    known = {
        "AR_ID": str(address_range.id),
        "TYPE": address_range.type,
        "SIZE": str(address_range.size),
        "MAC": address_range.mac,
        "IP": address_range.ip,
        "IP6": address_range.static_ip6,
        "GLOBAL_PREFIX": address_range.global_prefix,
        "ULA_PREFIX": address_range.ula_prefix,
    }
    about.update({name: value for name, value in known.items() if value})
    return about
