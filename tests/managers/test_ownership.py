"""Whose new objects are."""

from __future__ import annotations

from opennebula_core.contracts.method import Session
from opennebula_core.managers.ownership import owned_by
from opennebula_core.model.objects import Image


def test_an_object_is_its_makers_with_what_his_umask_leaves() -> None:
    alice = Session(7, "alice", 100, "staff", frozenset({100, 1}), umask=0o137)

    image = Image(-1, "i", **owned_by(alice))

    assert (image.uid, image.gid, image.uname, image.gname) == (7, 100, "alice", "staff")
    assert image.permissions == 0o640
    assert owned_by(alice, 0o644) == {**owned_by(alice), "permissions": 0o644}
