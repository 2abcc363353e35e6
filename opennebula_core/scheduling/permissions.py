"""What the owners of VMs may use: access rules and permissions, asked of many hosts at a time."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from typing import Final, Self
from xml.etree.ElementTree import Element

from opennebula_core.contracts.matchmaking.views import DatastoreView, HostView, PendingVm
from opennebula_core.model.objects import AclRule
from opennebula_core.model.permissions import (
    MANAGE,
    USE,
    AclScope,
    acl_scopes,
    permissions_allow,
)
from opennebula_core.scheduling.numbers import whole_number

LOG = logging.getLogger(__name__)

ONEADMIN: Final = 0
"""The user, and the group, that pass every check."""


class AccessRules:
    """The access rules of the cloud; what they open to an owner is worked out once."""

    def __init__(self, rules: Iterable[AclRule]) -> None:
        self._rules: Sequence[AclRule] = tuple(rules)
        self._scopes: dict[tuple[int, frozenset[int], str], list[AclScope]] = {}

    @classmethod
    def from_pool(cls, pool: Element) -> Self:
        """Return the rules of an ACL_POOL document; one that cannot be read gives nothing."""
        rules: list[AclRule] = []
        for item in pool.iterfind("ACL"):
            try:
                bits = [int(item.findtext(tag, ""), 16) for tag in ("USER", "RESOURCE", "RIGHTS", "ZONE")]
            except ValueError:
                LOG.warning("access rule %s: not four hexadecimal numbers; left out", item.findtext("ID"))
                continue
            rules.append(AclRule(whole_number(item.findtext("ID", ""), -1), *bits))
        return cls(rules)

    def may_manage_host(self, vm: PendingVm, host: HostView) -> bool:
        """Whether the VM's owner has HOST:MANAGE. Hosts have no permissions, so only rules give it."""
        if _passes(vm):
            return True
        return _opens(self._opened(vm, "HOST", MANAGE), host.id, -1, (host.cluster_id,))

    def may_use_datastore(self, vm: PendingVm, datastore: DatastoreView) -> bool:
        """Whether the VM's owner has DATASTORE:USE, by the datastore's permissions or by a rule."""
        if _passes(vm):
            return True
        if permissions_allow(
            datastore.permissions,
            USE,
            is_owner=datastore.uid == vm.uid,
            in_group=datastore.gid in vm.group_ids,
        ):
            return True
        scopes = self._opened(vm, "DATASTORE", USE)
        return _opens(scopes, datastore.id, datastore.gid, datastore.cluster_ids)

    def _opened(self, vm: PendingVm, kind: str, right: int) -> list[AclScope]:
        key = (vm.uid, vm.group_ids, kind)
        scopes = self._scopes.get(key)
        if scopes is None:
            scopes = acl_scopes(self._rules, vm.uid, vm.group_ids, kind, right)
            self._scopes[key] = scopes
        return scopes


def _passes(vm: PendingVm) -> bool:
    return vm.uid == ONEADMIN or ONEADMIN in vm.group_ids


def _opens(scopes: Iterable[AclScope], object_id: int, group_id: int, cluster_ids: Collection[int]) -> bool:
    return any(
        scope.all
        or scope.object_id == object_id
        or (scope.group_id is not None and scope.group_id == group_id)
        or scope.cluster_id in cluster_ids
        for scope in scopes
    )
