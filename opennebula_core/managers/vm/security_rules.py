"""The rules of a VM's security groups, as network drivers find them in its template.

Source: VM document of OpenNebula 6.10.
"""

from __future__ import annotations

from collections.abc import Iterable

from opennebula_core.db.transaction import Transaction
from opennebula_core.model.numbers import whole_number
from opennebula_core.model.objects import SecurityGroup, Vm
from opennebula_core.model.template import Vector

RULES = "SECURITY_GROUP_RULE"


def set_security_rules(tx: Transaction, vm: Vm) -> None:
    """Copy the rules of all groups that the VM's NICs have into its template, in the place of those there.

    A rule about a network becomes one for each of its address ranges. A group that is gone has no rules.
    """
    vm.template.remove(RULES)
    for group_id in _group_ids(vm):
        group = tx.security_groups.find(group_id)
        if group is not None:
            for rule in _rules(tx, group):
                vm.template.add(RULES, rule)


def _group_ids(vm: Vm) -> list[int]:
    words = (
        word
        for nic in vm.template.vectors("NIC")
        for word in nic.get("SECURITY_GROUPS", "").replace(" ", "").split(",")
    )
    return sorted({number for number in map(whole_number, words) if number is not None})


def _rules(tx: Transaction, group: SecurityGroup) -> Iterable[Vector]:
    named = {"SECURITY_GROUP_ID": str(group.id), "SECURITY_GROUP_NAME": group.name}
    for given in group.template.vectors("RULE"):
        rule = Vector({**given, **named})
        network_id = whole_number(rule.get("NETWORK_ID", ""))
        if network_id is None:
            yield rule
            continue
        network = tx.networks.find(network_id)
        for addresses in network.ranges if network is not None else ():
            if addresses.ip:
                yield Vector({**rule, "IP": addresses.ip, "SIZE": str(addresses.size)})
