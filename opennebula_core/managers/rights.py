"""Whether a caller may: the object exists, permissions and access rules allow it, no lock is in the way.

Dispatch asks this for what a method declares; use cases ask it for the objects that they meet on their way,
such as a disk's image. The texts are OpenNebula's; clients compare them.
"""

from __future__ import annotations

from opennebula_core.contracts.method import ObjectKind, Right, Session
from opennebula_core.db.transaction import Snapshot
from opennebula_core.errors import AuthorizationError, NotFoundError
from opennebula_core.model.permissions import is_allowed


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
    allowed = session.is_admin or is_allowed(
        user_id=session.user_id,
        group_ids=session.group_ids,
        kind=kind.value,
        right=int(right),
        object_id=object_id,
        owner_id=access.uid,
        group_id=access.gid,
        permissions=access.permissions,
        cluster_ids=access.cluster_ids,
        rules=tx.acl_rules(),
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


def require_on_pool(tx: Snapshot, session: Session, kind: ObjectKind, right: Right = Right.CREATE) -> None:
    """Check that the caller has a right on the kind as a whole, such as to create one.

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
        owner_id=-1,
        group_id=-1,
        permissions=0,
        cluster_ids=(),
        rules=tx.acl_rules(),
    )
    if not allowed:
        raise AuthorizationError(
            f"User [{session.user_id}] : Not authorized to perform {right.name} {kind.value}."
        )
