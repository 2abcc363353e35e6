"""The pools: one class for each kind of object, and the set of all that a transaction has."""

from __future__ import annotations

from typing import Any

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.connection import Writer
from opennebula_core.db.pool import Pool
from opennebula_core.db.pools.groups import ClusterPool, GroupPool, SecurityGroupPool, UserPool
from opennebula_core.db.pools.hook import HookPool
from opennebula_core.db.pools.host import HostPool
from opennebula_core.db.pools.network import NetworkPool
from opennebula_core.db.pools.network_template import NetworkTemplatePool
from opennebula_core.db.pools.storage import DatastorePool, ImagePool
from opennebula_core.db.pools.vdc import VdcPool
from opennebula_core.db.pools.vm import VmPool, VmTemplatePool
from opennebula_core.db.pools.vm_group import VmGroupPool
from opennebula_core.db.quotas import Quotas
from opennebula_core.errors import InternalError

__all__ = ["Pools"]


class Pools:
    """All pools over one connection."""

    def __init__(self, writer: Writer) -> None:
        self.quotas = Quotas(writer)
        self.vms = VmPool(writer)
        self.hosts = HostPool(writer)
        self.clusters = ClusterPool(writer)
        self.datastores = DatastorePool(writer)
        self.images = ImagePool(writer)
        self.networks = NetworkPool(writer)
        self.vm_templates = VmTemplatePool(writer)
        self.network_templates = NetworkTemplatePool(writer)
        self.security_groups = SecurityGroupPool(writer)
        self.users = UserPool(writer)
        self.groups = GroupPool(writer)
        self.vdcs = VdcPool(writer)
        self.vm_groups = VmGroupPool(writer)
        self.hooks = HookPool(writer)
        pools: tuple[Pool[Any], ...] = (
            self.vms,
            self.hosts,
            self.clusters,
            self.datastores,
            self.images,
            self.networks,
            self.vm_templates,
            self.network_templates,
            self.security_groups,
            self.users,
            self.groups,
            self.vdcs,
            self.vm_groups,
            self.hooks,
        )
        self._by_kind: dict[ObjectKind, Pool[Any]] = {pool.kind: pool for pool in pools}

    def pool(self, kind: ObjectKind) -> Pool[Any]:
        """Return the pool of a kind.

        :raises InternalError: the kind has no pool here
        """
        try:
            return self._by_kind[kind]
        except KeyError:
            raise InternalError(f"there is no pool of {kind.value} here") from None

    def add_pool(self, pool: Pool[Any]) -> None:
        """Add the pool of a kind that a plugin brings."""
        self._by_kind[pool.kind] = pool
