"""Whose a new object is: whoever makes it, with the permissions that his umask leaves."""

from __future__ import annotations

from typing import TypedDict

from opennebula_core.contracts.method import Session
from opennebula_core.model.permissions import permissions_of_umask


class Ownership(TypedDict):
    """The fields of an object that say whose it is and who may use it."""

    uid: int
    gid: int
    uname: str
    gname: str
    permissions: int


def owned_by(session: Session, permissions: int | None = None) -> Ownership:
    """Return the fields of an object that a caller makes, for its constructor.

    :param permissions: of kinds whose objects begin with the same ones whoever makes them
    """
    if permissions is None:
        permissions = permissions_of_umask(session.umask, is_admin=session.is_admin)
    return Ownership(
        uid=session.user_id,
        gid=session.group_id,
        uname=session.user_name,
        gname=session.group_name,
        permissions=permissions,
    )
