"""Users, groups, clusters and security groups."""

from __future__ import annotations

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.pool import Child, NameScope, Pool
from opennebula_core.db.tables import ClusterRow, GroupRow, SecurityGroupRow, UserRow
from opennebula_core.model.objects import Cluster, Group, SecurityGroup, User
from opennebula_core.model.quotas import Owner


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
