"""Hosts, clusters, system datastores and rights, fetched again only where something changed."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from time import monotonic
from typing import Final

from opennebula_core.client import Client
from opennebula_core.contracts.matchmaking.groups import VmGroupView
from opennebula_core.contracts.matchmaking.views import ClusterView, DatastoreView, HostView
from opennebula_core.contracts.method import ObjectKind
from opennebula_core.errors import NotFoundError
from opennebula_core.scheduling.permissions import AccessRules
from opennebula_core.scheduling.reader import cluster_view, datastore_view, host_view
from opennebula_core.scheduling.vm_group_reader import vm_group_view

LOG = logging.getLogger(__name__)

SINGLE_FETCH_SHARE: Final = 8
"""Hosts are fetched one by one while at most one in this many has changed, else all with one call."""

ALL_VISIBLE: Final = -2

REFRESH_S: Final = 15.0
"""Hosts that were fetched longer ago are fetched again: what is measured on them changes without notice."""


class Inventory:
    """What there is to place VMs on."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._hosts: dict[int, HostView] = {}
        self._hosts_fetched_s = 0.0
        self._ordered: tuple[HostView, ...] | None = None
        self._clusters: dict[int, ClusterView] = {}
        self._datastores: tuple[DatastoreView, ...] = ()
        self._access = AccessRules(())
        self._vm_groups: tuple[VmGroupView, ...] = ()
        self._stale_hosts: set[int] = set()
        self._stale_kinds: set[ObjectKind] = set()
        self.reset()

    def reset(self) -> None:
        """Forget what is known; the next question fetches everything."""
        self._stale_kinds = {
            ObjectKind.HOST,
            ObjectKind.CLUSTER,
            ObjectKind.DATASTORE,
            ObjectKind.ACL,
            ObjectKind.VMGROUP,
        }

    def mark(self, kind: str, object_id: int) -> None:
        """Note that an object changed."""
        match kind:
            case ObjectKind.HOST:
                self.mark_hosts((object_id,))
            case ObjectKind.CLUSTER:
                self._stale_kinds |= {ObjectKind.CLUSTER, ObjectKind.HOST}
            case ObjectKind.DATASTORE | ObjectKind.ACL | ObjectKind.VMGROUP:
                self._stale_kinds.add(ObjectKind(kind))

    def mark_hosts(self, host_ids: Iterable[int]) -> None:
        """Note that hosts changed, such as those that VMs went to."""
        self._stale_hosts.update(host_ids)

    def mark_all_hosts(self) -> None:
        """Note that some host changed, nobody knows which."""
        self._stale_kinds.add(ObjectKind.HOST)

    def hosts(self) -> tuple[HostView, ...]:
        """Return all hosts in order of id."""
        clusters = self.clusters()
        if self._is_much_stale():
            pool = self._client.element("one.hostpool.info")
            views = (host_view(element, clusters) for element in pool.iterfind("HOST"))
            self._hosts = {view.id: view for view in views}
            self._stale_kinds.discard(ObjectKind.HOST)
            self._hosts_fetched_s = monotonic()
            self._ordered = None
        else:
            for host_id in self._stale_hosts:
                self._fetch_host(host_id, clusters)
        self._stale_hosts.clear()
        if self._ordered is None:
            self._ordered = tuple(self._hosts[host_id] for host_id in sorted(self._hosts))
        return self._ordered

    def _is_much_stale(self) -> bool:
        return (
            ObjectKind.HOST in self._stale_kinds
            or monotonic() > self._hosts_fetched_s + REFRESH_S
            or len(self._stale_hosts) > 1 + len(self._hosts) // SINGLE_FETCH_SHARE
        )

    def _fetch_host(self, host_id: int, clusters: dict[int, ClusterView]) -> None:
        self._ordered = None
        try:
            self._hosts[host_id] = host_view(self._client.element("one.host.info", host_id), clusters)
        except NotFoundError:
            self._hosts.pop(host_id, None)

    def clusters(self) -> dict[int, ClusterView]:
        """Return all clusters by id."""
        if ObjectKind.CLUSTER in self._stale_kinds:
            pool = self._client.element("one.clusterpool.info")
            views = (cluster_view(element) for element in pool.iterfind("CLUSTER"))
            self._clusters = {view.id: view for view in views}
            self._stale_kinds.discard(ObjectKind.CLUSTER)
        return self._clusters

    def datastores(self) -> tuple[DatastoreView, ...]:
        """Return the system datastores in order of id."""
        if ObjectKind.DATASTORE in self._stale_kinds:
            pool = self._client.element("one.datastorepool.info")
            views = (datastore_view(element) for element in pool.iterfind("DATASTORE"))
            self._datastores = tuple(sorted((view for view in views if view), key=lambda view: view.id))
            self._stale_kinds.discard(ObjectKind.DATASTORE)
        return self._datastores

    def vm_groups(self) -> tuple[VmGroupView, ...]:
        """Return all groups of VMs in order of id."""
        if ObjectKind.VMGROUP in self._stale_kinds:
            pool = self._client.element("one.vmgrouppool.info", ALL_VISIBLE, -1, -1)
            views = [vm_group_view(element) for element in pool.iterfind("VM_GROUP")]
            self._vm_groups = tuple(sorted(views, key=lambda view: view.id))
            self._stale_kinds.discard(ObjectKind.VMGROUP)
        return self._vm_groups

    def access(self) -> AccessRules:
        """Return who may use what."""
        if ObjectKind.ACL in self._stale_kinds:
            self._access = AccessRules.from_pool(self._client.element("one.acl.info"))
            self._stale_kinds.discard(ObjectKind.ACL)
        return self._access
