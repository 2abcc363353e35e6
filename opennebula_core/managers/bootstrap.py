"""The objects of a new cloud, with OpenNebula's ids. Source: OpenNebula 6.10 after its first start."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from opennebula_core.db.transaction import Transaction
from opennebula_core.managers.access.rules import add_rule
from opennebula_core.managers.access.users import new_token_password
from opennebula_core.managers.vdc.membership import make_default
from opennebula_core.model.acl import parse_rule
from opennebula_core.model.objects import Cluster, Datastore, Group, SecurityGroup, User
from opennebula_core.model.passwords import hash_password, server_digest
from opennebula_core.model.states import DatastoreType
from opennebula_core.model.template import Template

ONEADMIN, SERVERADMIN = 0, 1
RULES = (
    "@1 VM+IMAGE+TEMPLATE+DOCUMENT+SECGROUP+VMGROUP+BACKUPJOB/* CREATE *",
    "* ZONE/* USE *",
    "* MARKETPLACE+MARKETPLACEAPP/* USE *",
)


@dataclass(frozen=True, slots=True)
class FirstUsers:
    """Names and passwords of the two users that every cloud has."""

    oneadmin: str
    oneadmin_password: str
    serveradmin_password: str


@dataclass(frozen=True, slots=True)
class FirstPlaces:
    """Where the first datastores are, and which drivers they get.

    :param tm_drivers: names of installed TM drivers; ``ssh`` is taken when it is there, else ``dummy``
    :param datastore_drivers: likewise, ``fs`` or ``dummy``
    """

    on_hosts: str
    on_front_end: str
    tm_drivers: Collection[str]
    datastore_drivers: Collection[str]


def is_new(tx: Transaction) -> bool:
    """Return whether the database is empty."""
    return tx.users.find(ONEADMIN) is None


def bootstrap(tx: Transaction, users: FirstUsers, places: FirstPlaces) -> None:
    """Make the objects that every cloud has; the passwords' hashes were worth the wait once."""
    _groups(tx)
    _users(tx, users)
    cluster = Template((("RESERVED_CPU", ""), ("RESERVED_MEM", "")))
    tx.clusters.allocate(Cluster(id=0, name="default", permissions=0o600, template=cluster))
    _datastores(tx, places)
    _security_group(tx)
    for text in RULES:
        add_rule(tx, parse_rule(text))
    make_default(tx)


def _groups(tx: Transaction) -> None:
    for group_id, name in ((0, "oneadmin"), (1, "users")):
        tx.groups.allocate(Group(id=group_id, name=name, permissions=0o600))


def _users(tx: Transaction, users: FirstUsers) -> None:
    rows = (
        (ONEADMIN, users.oneadmin, hash_password(users.oneadmin_password), "core"),
        (SERVERADMIN, "serveradmin", server_digest(users.serveradmin_password), "server_cipher"),
    )
    for user_id, name, password, driver in rows:
        user = User(
            id=user_id, name=name, uid=user_id, gid=0, uname=name, gname="oneadmin", password=password,
            auth_driver=driver, group_ids=[0], template=new_token_password(),
        )  # fmt: skip
        tx.users.allocate(user)


def _datastores(tx: Transaction, places: FirstPlaces) -> None:
    tm_mad = "ssh" if "ssh" in places.tm_drivers else "dummy"
    ds_mad = "fs" if "fs" in places.datastore_drivers else "dummy"
    rows = (
        (0, "system", DatastoreType.SYSTEM_DS, "-", places.on_hosts),
        (1, "default", DatastoreType.IMAGE_DS, ds_mad, places.on_front_end),
        (2, "files", DatastoreType.FILE_DS, ds_mad, places.on_front_end),
    )
    for datastore_id, name, kind, driver, root in rows:
        template = Template(
            (
                ("ALLOW_ORPHANS", "NO"),
                ("CLONE_TARGET", "SYSTEM"),
                ("DISK_TYPE", "FILE"),
                ("DS_MAD", driver),
                ("LN_TARGET", "SYSTEM"),
                ("SHARED", "NO"),
                ("TM_MAD", tm_mad),
                ("TYPE", kind.name),
            )
        )
        tx.datastores.allocate(
            Datastore(
                id=datastore_id,
                name=name,
                uname="oneadmin",
                gname="oneadmin",
                permissions=0o640,
                template=template,
                type=kind,
                ds_mad=driver,
                tm_mad=tm_mad,
                base_path=f"{root.rstrip('/')}/{datastore_id}",
            )
        )


def _security_group(tx: Transaction) -> None:
    template = Template(
        (("DESCRIPTION", "The default security group of every network: all traffic is let through."),)
    )
    for direction in ("OUTBOUND", "INBOUND"):
        template.add("RULE", {"PROTOCOL": "ALL", "RULE_TYPE": direction})
    tx.security_groups.allocate(
        SecurityGroup(
            id=0, name="default", uname="oneadmin", gname="oneadmin", permissions=0o644, template=template
        )
    )
