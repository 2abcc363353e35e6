"""The access rules that VDCs give to their groups. Source: OpenNebula 6.10, Vdc and oned.conf's defaults."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from opennebula_core.contracts.method import ObjectKind, Right
from opennebula_core.db.transaction import Transaction
from opennebula_core.managers.access.rules import drop_rule, ensure_rule
from opennebula_core.model import acl
from opennebula_core.model.objects import ALL_RESOURCES, AclRule, VdcResource

_GIVEN: Final = (
    (ObjectKind.HOST, Right.MANAGE),
    (ObjectKind.NET, Right.USE),
    (ObjectKind.DATASTORE, Right.USE),
)
"""What a group may do with the resources of its VDCs; of a cluster, with all that is in it."""


def rules_for(group_id: int, resource: VdcResource) -> Iterator[AclRule]:
    """Yield the rules that let a group use a resource."""
    is_cluster = resource.kind == ObjectKind.CLUSTER
    if resource.resource_id == ALL_RESOURCES:
        which = acl.ALL
    else:
        which = (acl.CLUSTER if is_cluster else acl.INDIVIDUAL) | resource.resource_id
    for kind, right in _GIVEN:
        if is_cluster or resource.kind == kind:
            yield AclRule(
                -1,
                acl.GROUP | group_id,
                acl.KIND_BITS[kind.value] | which,
                int(right),
                acl.INDIVIDUAL | resource.zone_id,
            )


@contextmanager
def rules_followed(tx: Transaction, group_ids: Iterable[int]) -> Iterator[None]:
    """Have the rules of groups follow what the block changes about their VDCs.

    A rule that another VDC of the group needs, too, stays; one that was there before is not added again.
    """
    groups = sorted(set(group_ids))
    before = _granted(tx, groups)
    yield
    after = _granted(tx, groups)
    for key, rule in before.items():
        if key not in after:
            drop_rule(tx, rule)
    for key, rule in after.items():
        if key not in before:
            ensure_rule(tx, rule)


def _granted(tx: Transaction, group_ids: list[int]) -> dict[tuple[int, int, int, int], AclRule]:
    return {
        (rule.user, rule.resource, rule.rights, rule.zone): rule
        for group_id, resource in tx.vdcs.granted(group_ids)
        for rule in rules_for(group_id, resource)
    }
