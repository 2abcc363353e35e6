"""Users, groups, clusters and security groups."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.pool import Child, NameScope, Pool
from opennebula_core.db.tables import ClusterRow, GroupRow, SecurityGroupRow, UserRow
from opennebula_core.model.objects import Cluster, Group, SecurityGroup, User
from opennebula_core.model.quotas import Owner
from opennebula_core.model.states import GroupStanding

VmLists = Mapping[GroupStanding, tuple[int, ...]]
"""The ids of a security group's VMs by how far they are."""
_DUE: Final = (int(GroupStanding.OUTDATED), int(GroupStanding.UPDATING))


class UserPool(Pool[User]):
    """The users and the groups they are in."""

    row = UserRow
    value = User
    kind = ObjectKind.USER
    title = "user"
    names = NameScope.POOL
    first_id = 2
    decoders = {"enabled": bool}  # noqa: RUF012 - a ClassVar of the base class
    children = {  # noqa: RUF012 - a ClassVar of the base class
        "group_ids": Child("group_id", "user_group WHERE user_id = t1.id")
    }

    def save_children(self, saved: User) -> None:
        """Write the groups; being an admin of one is kept."""
        wanted = {*saved.group_ids, saved.gid}
        marks = ",".join("?" * len(wanted))
        self.tx.execute(
            f"DELETE FROM user_group WHERE user_id = ? AND group_id NOT IN ({marks})", (saved.id, *wanted)
        )
        self.tx.execute_many(
            "INSERT OR IGNORE INTO user_group (user_id, group_id) VALUES (?, ?)",
            [(saved.id, group_id) for group_id in wanted],
        )

    def drop_children(self, object_id: int) -> None:
        """Take the user out of the groups, end his tokens, and forget his limits."""
        self.tx.execute("DELETE FROM login_token WHERE user_id = ?", (object_id,))
        self.quotas.drop_limits(Owner.USER, object_id)
        self.tx.execute("DELETE FROM user_group WHERE user_id = ?", (object_id,))


class GroupPool(Pool[Group]):
    """The groups."""

    row = GroupRow
    value = Group
    kind = ObjectKind.GROUP
    title = "group"
    names = NameScope.POOL
    first_id = 100
    children = {  # noqa: RUF012 - a ClassVar of the base class
        "user_ids": Child("user_id", "user_group WHERE group_id = t1.id"),
        "admin_ids": Child("user_id", "user_group WHERE group_id = t1.id AND is_admin"),
    }

    def save_children(self, saved: Group) -> None:
        """Write who is an admin; membership belongs to the users."""
        self.tx.execute("UPDATE user_group SET is_admin = 0 WHERE group_id = ?", (saved.id,))
        self.tx.execute_many(
            "UPDATE user_group SET is_admin = 1 WHERE group_id = ? AND user_id = ?",
            [(saved.id, user_id) for user_id in saved.admin_ids],
        )

    def drop_children(self, object_id: int) -> None:
        """Remove memberships and limits."""
        self.quotas.drop_limits(Owner.GROUP, object_id)
        self.tx.execute("DELETE FROM user_group WHERE group_id = ?", (object_id,))


class ClusterPool(Pool[Cluster]):
    """The clusters."""

    row = ClusterRow
    value = Cluster
    kind = ObjectKind.CLUSTER
    title = "cluster"
    names = NameScope.POOL
    first_id = 100

    def members(self, cluster_id: int) -> tuple[list[int], list[int], list[int]]:
        """Return the ids of the cluster's hosts, datastores and networks."""
        host_ids = self.tx.query("SELECT id FROM host WHERE cluster_id = ? ORDER BY id", (cluster_id,))
        datastore_ids = self.tx.query(
            "SELECT datastore_id FROM cluster_datastore WHERE cluster_id = ? ORDER BY 1", (cluster_id,)
        )
        network_ids = self.tx.query(
            "SELECT network_id FROM cluster_network WHERE cluster_id = ? ORDER BY 1", (cluster_id,)
        )
        return (
            [row[0] for row in host_ids],
            [row[0] for row in datastore_ids],
            [row[0] for row in network_ids],
        )


class SecurityGroupPool(Pool[SecurityGroup]):
    """The security groups."""

    row = SecurityGroupRow
    value = SecurityGroup
    kind = ObjectKind.SECGROUP
    title = "security group"
    names = NameScope.OWNER
    first_id = 100

    # -- the VMs of groups -----------------------------------------------------------------------

    def groups_of_vm(self, vm_id: int) -> list[int]:
        """Return the ids of the groups whose lists have the VM."""
        rows = self.tx.query("SELECT group_id FROM security_group_vm WHERE vm_id = ?", (vm_id,))
        return [row[0] for row in rows]

    def add_vm(self, group_id: int, vm_id: int) -> None:
        """List a VM that has the group's rules as they are now."""
        self.tx.execute(
            "INSERT OR REPLACE INTO security_group_vm (group_id, vm_id, standing) VALUES (?, ?, ?)",
            (group_id, vm_id, int(GroupStanding.UPDATED)),
        )

    def drop_vm(self, vm_id: int, group_id: int | None = None) -> None:
        """Take a VM from the lists of one group, or of all."""
        condition, values = (
            ("vm_id = ?", [vm_id]) if group_id is None else ("vm_id = ? AND group_id = ?", [vm_id, group_id])
        )
        self.tx.execute(f"DELETE FROM security_group_vm WHERE {condition}", values)

    def set_standing(self, group_id: int, vm_id: int, before: GroupStanding, after: GroupStanding) -> bool:
        """Move a VM from one list of the group to another; return False when it is not in the first."""
        moved = self.tx.query(
            "UPDATE security_group_vm SET standing = ? WHERE group_id = ? AND vm_id = ? AND standing = ? "
            "RETURNING vm_id",
            (int(after), group_id, vm_id, int(before)),
        )
        return bool(moved)

    def outdate(self, group_id: int, *, only_failed: bool = False) -> None:
        """List all VMs of a group as outdated, or only those that have not got the rules: these are due."""
        condition = " AND standing <> ?" if only_failed else ""
        values = (int(GroupStanding.UPDATED),) if only_failed else ()
        self.tx.execute(
            f"UPDATE security_group_vm SET standing = ? WHERE group_id = ?{condition}",
            (int(GroupStanding.OUTDATED), group_id, *values),
        )

    def begin_again(self) -> None:
        """List as outdated what was under way when the last process ended: nobody knows what became of it."""
        self.tx.execute(
            "UPDATE security_group_vm SET standing = ? WHERE standing IN (?, ?)",
            (int(GroupStanding.OUTDATED), *_DUE),
        )

    def due_vms(self, after_id: int, limit: int) -> list[tuple[int, int]]:
        """Return VMs with outdated rules in the order of their ids, each with its host, -1 when it has none.

        :param after_id: only those with a higher id
        """
        rows = self.tx.query(
            "SELECT DISTINCT due.vm_id, COALESCE(vm.host_id, -1) FROM security_group_vm AS due "
            "JOIN vm ON vm.id = due.vm_id WHERE due.standing IN (1, 2) AND due.standing = ? "
            "AND due.vm_id > ? ORDER BY due.vm_id LIMIT ?",
            (int(GroupStanding.OUTDATED), after_id, limit),
        )
        return [(vm_id, host_id) for vm_id, host_id in rows]

    def due_groups(self, vm_id: int) -> list[int]:
        """Return the groups whose rules a VM does not have as they are now."""
        rows = self.tx.query(
            "SELECT group_id FROM security_group_vm WHERE vm_id = ? AND standing = ? ORDER BY group_id",
            (vm_id, int(GroupStanding.OUTDATED)),
        )
        return [row[0] for row in rows]

    def some_vm(self, group_id: int) -> int | None:
        """Return a VM that has the group, None when no VM has."""
        found = self.tx.one("SELECT vm_id FROM security_group_vm WHERE group_id = ? LIMIT 1", (group_id,))
        return None if found is None else int(found[0])

    def vm_lists(self, wanted: Iterable[int]) -> dict[int, dict[GroupStanding, tuple[int, ...]]]:
        """Return the VMs of groups by group and standing; what is empty is not there."""
        found: dict[int, dict[GroupStanding, tuple[int, ...]]] = {}
        marks = json.dumps(list(wanted))
        rows = self.tx.query(
            "SELECT group_id, standing, json_group_array(vm_id) FROM security_group_vm "
            "WHERE group_id IN (SELECT value FROM json_each(?)) GROUP BY group_id, standing",
            (marks,),
        )
        for group_id, standing, vm_ids in rows:
            lists = found.setdefault(group_id, {})
            lists[GroupStanding(standing)] = tuple(sorted(json.loads(vm_ids)))
        return found
