"""Who may do what: the nine permission bits of an object, and the access rules.

There is nothing that denies: a request is allowed when any bit or rule allows it. Administrators (user 0 and
the members of group 0) are not asked about here; their callers let them pass.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from opennebula_core.model.acl import ALL, CLUSTER, GROUP, ID_MASK, INDIVIDUAL, KIND_BITS
from opennebula_core.model.objects import AclRule

USE, MANAGE, ADMIN, CREATE = 1, 2, 4, 8
"""Rights, with the bits of access rules."""

_DIGITS: Final = {USE: 4, MANAGE: 2, ADMIN: 1}
_OWNER_SHIFT, _GROUP_SHIFT = 6, 3


@dataclass(frozen=True, slots=True)
class AclScope:
    """What one rule opens: all objects of a kind, or one, or those of a group or in a cluster."""

    all: bool = False
    object_id: int | None = None
    group_id: int | None = None
    cluster_id: int | None = None


def permissions_of_umask(umask: int, *, is_admin: bool = False) -> int:
    """Return the permission bits of a new object.

    :param is_admin: the objects of administrators may carry ADMIN bits
    """
    return (0o777 if is_admin else 0o666) & ~umask


def permissions_allow(permissions: int, right: int, *, is_owner: bool, in_group: bool) -> bool:
    """Return whether an object's nine bits give a right; CREATE is never given by them."""
    digit = _DIGITS.get(right, 0)
    wanted = digit
    if is_owner:
        wanted |= digit << _OWNER_SHIFT
    if in_group:
        wanted |= digit << _GROUP_SHIFT
    return bool(permissions & wanted)


def acl_scopes(
    rules: Iterable[AclRule],
    user_id: int,
    group_ids: Collection[int],
    kind: str,
    right: int,
    zone_id: int = 0,
) -> list[AclScope]:
    """Return what the rules open to a user: the objects of ``kind`` on which he has ``right``.

    :param kind: the word of the rules, such as ``VM`` or ``NET``
    :param right: one of USE, MANAGE, ADMIN, CREATE
    """
    kind_bit = KIND_BITS.get(kind, 0)
    users = {ALL, INDIVIDUAL | user_id, *(GROUP | group_id for group_id in group_ids)}
    zones = (ALL, INDIVIDUAL | zone_id)
    return [
        _scope(rule.resource)
        for rule in rules
        if rule.rights & right and rule.resource & kind_bit and rule.user in users and rule.zone in zones
    ]


def _scope(resource: int) -> AclScope:
    number = resource & ID_MASK
    if resource & ALL:
        return AclScope(all=True)
    if resource & INDIVIDUAL:
        return AclScope(object_id=number)
    if resource & GROUP:
        return AclScope(group_id=number)
    return AclScope(cluster_id=number if resource & CLUSTER else -1)


def is_allowed(
    *,
    user_id: int,
    group_ids: Collection[int],
    kind: str,
    right: int,
    object_id: int,
    owner_id: int,
    group_id: int,
    permissions: int,
    cluster_ids: Collection[int],
    rules: Iterable[AclRule],
    zone_id: int = 0,
) -> bool:
    """Return whether a user has a right on an object, by its permissions or by a rule.

    :param group_ids: all groups of the user, the primary one too
    :param object_id: -1 asks to create one: only rules on all objects, or on those of its group, count then
    :param owner_id: and ``group_id``: the object's, or what it would have; -1 when it has none
    :param cluster_ids: the clusters that the object is in
    """
    is_owner, in_group = owner_id == user_id, group_id in group_ids
    if object_id >= 0 and permissions_allow(permissions, right, is_owner=is_owner, in_group=in_group):
        return True
    for scope in acl_scopes(rules, user_id, group_ids, kind, right, zone_id):
        if scope.all or (scope.group_id is not None and scope.group_id == group_id):
            return True
        if object_id >= 0 and (scope.object_id == object_id or scope.cluster_id in cluster_ids):
            return True
    return False
