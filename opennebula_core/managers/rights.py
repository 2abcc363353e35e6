"""Whether a caller may: the object exists, permissions and access rules allow it, no lock is in the way.

Dispatch asks this for what a method declares; use cases ask it for the objects that they meet on their way,
such as a disk's image. The texts are OpenNebula's; clients compare them.
"""

from __future__ import annotations

from opennebula_core.contracts.method import ObjectKind, Right, Session
from opennebula_core.db.connection import ObjectAccess
from opennebula_core.db.transaction import Snapshot
from opennebula_core.errors import AuthorizationError, NotFoundError
from opennebula_core.model.objects import PoolObject
from opennebula_core.model.permissions import is_allowed, permissions_allow


def require(
    tx: Snapshot,
    session: Session,
    kind: ObjectKind,
    right: Right,
    object_id: int,
    *,
    heeds_lock: bool = True,
) -> None:
    """Check that the object exists and that the caller has the right on it.

    :param heeds_lock: also refuse what the object's lock forbids, to its owner and to admins too
    :raises NotFoundError: it does not exist
    :raises AuthorizationError: the caller may not, or the object is locked
    """
    access = tx.object_access(kind, object_id)
    if access is None:
        which = "Pool" if object_id < 0 else f"[{object_id}]"
        raise NotFoundError(f"Error getting {tx.pool(kind).title} {which}.", object_id)
    _check(tx, session, kind, right, object_id, access, heeds_lock=heeds_lock)


def require_on(tx: Snapshot, session: Session, kind: ObjectKind, right: Right, loaded: PoolObject) -> None:
    """Check that the caller has the right on an object that was loaded.

    :raises AuthorizationError: the caller may not, or the object is locked
    """
    level = loaded.lock.level if loaded.lock is not None else 0
    access = ObjectAccess(loaded.name, loaded.uid, loaded.gid, loaded.permissions, level)
    _check(tx, session, kind, right, loaded.id, access, heeds_lock=True)


def _check(
    tx: Snapshot,
    session: Session,
    kind: ObjectKind,
    right: Right,
    object_id: int,
    access: ObjectAccess,
    *,
    heeds_lock: bool,
) -> None:
    allowed = session.is_admin or (
        _is_allowed(tx, session, kind, right, object_id, access)
        and not _is_above(tx, session, kind, right, object_id)
    )
    is_locked = heeds_lock and 0 < access.lock_level <= right
    if is_locked and session.is_admin:
        raise AuthorizationError(
            f"User [{session.user_id}] : {kind.value} is locked. [{object_id}].", object_id
        )
    if is_locked or not allowed:
        raise AuthorizationError(
            f"User [{session.user_id}] : Not authorized to perform {right.name} {kind.value} [{object_id}].",
            object_id,
        )


def _is_above(tx: Snapshot, session: Session, kind: ObjectKind, right: Right, object_id: int) -> bool:
    """Return whether somebody wants to change an administrator, whose primary group he may be an admin of.

    With a password of his choice he would be one himself.
    """
    if kind is not ObjectKind.USER or right is Right.USE or object_id == session.user_id:
        return False
    return tx.one("SELECT 1 FROM user_group WHERE user_id = ? AND group_id = 0", (object_id,)) is not None


def _is_allowed(
    tx: Snapshot, session: Session, kind: ObjectKind, right: Right, object_id: int, access: ObjectAccess
) -> bool:
    is_owner, in_group = access.uid == session.user_id, access.gid in session.group_ids
    if permissions_allow(access.permissions, int(right), is_owner=is_owner, in_group=in_group):
        return True  # the common case needs neither rules nor clusters
    return is_allowed(
        user_id=session.user_id,
        group_ids=session.group_ids,
        kind=kind.value,
        right=int(right),
        object_id=object_id,
        owner_id=access.uid,
        group_id=access.gid,
        permissions=access.permissions,
        cluster_ids=tx.pool(kind).cluster_ids(object_id),
        rules=tx.acl_rules(),
    )


def require_on_pool(tx: Snapshot, session: Session, kind: ObjectKind, right: Right = Right.CREATE) -> None:
    """Check that the caller has a right on the kind as a whole, such as to create one.

    A rule on the objects of his primary group, where they would be, will do, too: group admins make users.

    :raises AuthorizationError: he has not
    """
    if session.is_admin:
        return
    allowed = is_allowed(
        user_id=session.user_id,
        group_ids=session.group_ids,
        kind=kind.value,
        right=int(right),
        object_id=-1,
        owner_id=session.user_id,
        group_id=session.group_id,
        permissions=0,
        cluster_ids=(),
        rules=tx.acl_rules(),
    )
    if not allowed:
        raise AuthorizationError(
            f"User [{session.user_id}] : Not authorized to perform {right.name} {kind.value}."
        )
