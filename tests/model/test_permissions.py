from __future__ import annotations

import pytest

from opennebula_core.model.acl import parse_rule
from opennebula_core.model.permissions import (
    ADMIN,
    CREATE,
    MANAGE,
    USE,
    AclScope,
    acl_scopes,
    is_allowed,
    permissions_allow,
    permissions_of_umask,
)


def ask(
    *rules: str,
    right: int = USE,
    kind: str = "VM",
    object_id: int = 7,
    permissions: int = 0,
    owner_id: int = 2,
    group_id: int = 100,
    user_id: int = 5,
    group_ids: frozenset[int] = frozenset({1}),
    cluster_ids: tuple[int, ...] = (),
) -> bool:
    return is_allowed(
        user_id=user_id,
        group_ids=group_ids,
        kind=kind,
        right=right,
        object_id=object_id,
        owner_id=owner_id,
        group_id=group_id,
        permissions=permissions,
        cluster_ids=cluster_ids,
        rules=[parse_rule(rule) for rule in rules],
    )


@pytest.mark.parametrize(
    ("permissions", "right", "owner", "group", "allowed"),
    [
        (0o600, USE, True, False, True),
        (0o600, MANAGE, True, False, True),
        (0o600, ADMIN, True, False, False),
        (0o100, ADMIN, True, False, True),
        (0o060, USE, True, False, False),
        (0o040, USE, False, True, True),
        (0o040, MANAGE, False, True, False),
        (0o004, USE, False, False, True),
        (0o004, USE, True, True, True),
        (0o770, USE, False, False, False),
        (0o777, CREATE, True, True, False),
    ],
)
def test_the_nine_bits_decide(permissions: int, right: int, owner: bool, group: bool, allowed: bool) -> None:
    assert permissions_allow(permissions, right, is_owner=owner, in_group=group) is allowed


def test_new_objects_get_what_the_umask_leaves() -> None:
    assert permissions_of_umask(0o177) == 0o600
    assert permissions_of_umask(0o037) == 0o640
    assert permissions_of_umask(0o000) == 0o666
    assert permissions_of_umask(0o000, is_admin=True) == 0o777


def test_owner_group_and_others_are_told_apart() -> None:
    assert ask(permissions=0o400, owner_id=5)
    assert not ask(permissions=0o400)
    assert ask(permissions=0o040, group_id=1)
    assert not ask(permissions=0o040)
    assert ask(permissions=0o004)


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        ("#5 VM/#7 USE #0", True),
        ("#5 VM/#8 USE #0", False),
        ("#6 VM/#7 USE #0", False),
        ("@1 VM/* USE #0", True),
        ("@2 VM/* USE #0", False),
        ("* VM/@100 USE #0", True),
        ("* VM/@101 USE #0", False),
        ("* VM+IMAGE/* USE+MANAGE *", True),
        ("* IMAGE/* USE #0", False),
        ("* VM/* MANAGE #0", False),
        ("* VM/* USE #1", False),
    ],
)
def test_a_rule_opens_what_it_names(rule: str, *, allowed: bool) -> None:
    assert ask(rule) is allowed


def test_a_rule_may_name_a_cluster() -> None:
    assert ask("* HOST/%3 MANAGE #0", kind="HOST", right=MANAGE, cluster_ids=(0, 3))
    assert not ask("* HOST/%3 MANAGE #0", kind="HOST", right=MANAGE, cluster_ids=(0,))
    assert not ask("* HOST/%3 MANAGE #0", kind="HOST", right=MANAGE)


def test_to_create_one_needs_a_rule_on_all_of_the_kind_or_on_those_of_its_group() -> None:
    assert ask("@1 VM/* CREATE #0", right=CREATE, object_id=-1, owner_id=-1, group_id=-1)
    assert not ask("@1 VM/@1 CREATE #0", right=CREATE, object_id=-1, owner_id=-1, group_id=-1)
    assert ask("@1 VM/@1 CREATE #0", right=CREATE, object_id=-1, owner_id=-1, group_id=1)
    assert not ask("@1 VM/@1 CREATE #0", right=CREATE, object_id=-1, owner_id=-1, group_id=2)
    assert not ask(right=CREATE, object_id=-1, owner_id=-1, group_id=-1, permissions=0o777)


def test_the_scopes_of_a_user_are_what_his_rules_open() -> None:
    rules = [
        parse_rule(text)
        for text in ("#5 VM/#7 USE", "@1 VM/@3 USE", "* NET/%2 USE", "* VM/* ADMIN", "* NET+VM/* USE *")
    ]

    assert acl_scopes(rules, 5, {1}, "VM", USE) == [
        AclScope(object_id=7),
        AclScope(group_id=3),
        AclScope(all=True),
    ]
    assert acl_scopes(rules, 6, {2}, "NET", USE) == [AclScope(cluster_id=2), AclScope(all=True)]
    assert acl_scopes(rules, 5, {1}, "NOTHING", USE) == []
