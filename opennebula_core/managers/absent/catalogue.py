"""What is not there: kinds of objects, and features of kinds that are. Source: methods of OpenNebula 7.4.

A manager of another package that adds one of these methods takes its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from opennebula_core.contracts.method import ObjectKind

_OWNED: Final = ("info", "update", "rename", "delete", "chmod", "chown")
_LOCKABLE: Final = (*_OWNED, "lock", "unlock")


@dataclass(frozen=True, slots=True)
class AbsentKind:
    """A kind of object of which there is none.

    :param title: as error messages name it
    :param root: the element of its pool
    :param actions: the methods that take the object's id first
    """

    prefix: str
    kind: ObjectKind
    title: str
    root: str
    actions: tuple[str, ...]

    @property
    def pool_method(self) -> str:
        """The method that lists the kind's objects."""
        return f"{self.prefix}pool.info"


@dataclass(frozen=True, slots=True)
class AbsentFeature:
    """Methods of a kind that is there, for something that it cannot do."""

    prefix: str
    kind: ObjectKind
    actions: tuple[str, ...]
    what: str


KINDS: Final = (
    AbsentKind(
        "one.vrouter",
        ObjectKind.VROUTER,
        "virtual router",
        "VROUTER_POOL",
        (*_LOCKABLE, "instantiate", "attachnic", "detachnic"),
    ),
    AbsentKind("one.document", ObjectKind.DOCUMENT, "document", "DOCUMENT_POOL", (*_LOCKABLE, "clone")),
    AbsentKind(
        "one.market",
        ObjectKind.MARKETPLACE,
        "marketplace",
        "MARKETPLACE_POOL",
        (*_OWNED, "enable"),
    ),
    AbsentKind(
        "one.marketapp",
        ObjectKind.MARKETPLACEAPP,
        "marketplaceapp",
        "MARKETPLACEAPP_POOL",
        (*_LOCKABLE, "enable"),
    ),
    AbsentKind(
        "one.backupjob",
        ObjectKind.BACKUPJOB,
        "backup job",
        "BACKUPJOB_POOL",
        (
            *_LOCKABLE,
            "backup",
            "cancel",
            "priority",
            "retry",
            "schedadd",
            "schedupdate",
            "scheddelete",
        ),
    ),
)

FEATURES: Final = (
    AbsentFeature("one.vm", ObjectKind.VM, ("attachpci", "detachpci"), "changing the PCI devices of a VM"),
    AbsentFeature("one.vm", ObjectKind.VM, ("attachsg", "detachsg"), "changing the security groups of a NIC"),
    AbsentFeature(
        "one.vm", ObjectKind.VM, ("updatenic",), "changing a NIC; detach it and attach another one"
    ),
    AbsentFeature("one.vm", ObjectKind.VM, ("backup", "backupcancel", "restore"), "the backup of VMs"),
    AbsentFeature(
        "one.vm", ObjectKind.VM, ("exec", "retryexec", "cancelexec"), "running commands inside of a guest"
    ),
    AbsentFeature("one.image", ObjectKind.IMAGE, ("restore",), "the backup of VMs"),
    AbsentFeature(
        "one.vn", ObjectKind.NET, ("free_ar",), "address ranges of an IPAM driver; use one.vn.rm_ar"
    ),
    AbsentFeature("one.vn", ObjectKind.NET, ("recover",), "recovering a network, since none fails here"),
    AbsentFeature("one.group", ObjectKind.GROUP, ("vlan",), "VLAN rules of a group"),
)

ADMINISTRATION: Final = {
    "one.system.sql": "writing to the database by SQL; use the methods of the objects",
    "one.system.sqlquery": "reading the database by SQL through the API; open it with the sqlite3 program",
    "one.zone.allocate": "federation: this front-end is the only zone",
    "one.zone.delete": "federation: this front-end is the only zone",
    "one.zone.update": "federation: this front-end is the only zone",
    "one.zone.rename": "federation: this front-end is the only zone",
    "one.zone.enable": "federation: this front-end is the only zone",
    "one.zone.addserver": "high availability by replication",
    "one.zone.delserver": "high availability by replication",
    "one.zone.resetserver": "high availability by replication",
}
"""Methods of administrators, and what is not there for them."""
