"""Listings find exactly what the rights evaluation allows, whatever owners, bits and rules there are."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opennebula_core.contracts.method import ObjectKind, Right, Session
from opennebula_core.db.listing import select_pool
from opennebula_core.db.store import Store
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.errors import ParameterError
from opennebula_core.model import acl
from opennebula_core.model.objects import AclRule, Datastore, Host, Image, Network
from opennebula_core.model.permissions import is_allowed

KINDS = (ObjectKind.HOST, ObjectKind.NET, ObjectKind.IMAGE, ObjectKind.DATASTORE)
USERS, GROUPS, CLUSTERS = st.integers(2, 4), st.integers(1, 3), st.integers(0, 2)
CALLER = Session(2, "alice", 1, "users", frozenset({1, 2}))
ADMIN = Session(0, "oneadmin", 0, "oneadmin", frozenset({0}))

Row = tuple[int, int, int, list[int]]
rows = st.lists(
    st.tuples(USERS, GROUPS, st.integers(0, 0o777), st.lists(CLUSTERS, min_size=1, max_size=2, unique=True)),
    max_size=8,
)
selectors = st.one_of(
    st.just(acl.ALL),
    st.integers(0, 8).map(lambda number: acl.INDIVIDUAL | number),
    GROUPS.map(lambda number: acl.GROUP | number),
    CLUSTERS.map(lambda number: acl.CLUSTER | number),
)
rules = st.builds(
    AclRule,
    id=st.just(-1),
    user=st.one_of(
        st.just(acl.ALL),
        USERS.map(lambda number: acl.INDIVIDUAL | number),
        GROUPS.map(lambda number: acl.GROUP | number),
    ),
    resource=st.builds(
        lambda kinds, whose: sum(acl.KIND_BITS[kind.value] for kind in kinds) | whose,
        st.sets(st.sampled_from(KINDS), min_size=1),
        selectors,
    ),
    rights=st.integers(1, 15),
    zone=st.sampled_from((acl.ALL, acl.INDIVIDUAL, acl.INDIVIDUAL | 5)),
)


def _fill(tx: Transaction, objects: list[Row]) -> None:
    for table in ("host", "network", "image", "datastore", "cluster_network", "cluster_datastore"):
        tx.execute(f"DELETE FROM {table}")
    for number, (uid, gid, permissions, cluster_ids) in enumerate(objects):
        name = f"n{number}"
        tx.hosts.allocate(Host(number, name, uid, gid, permissions=permissions, cluster_id=cluster_ids[0]))
        tx.networks.allocate(
            Network(number, name, uid, gid, permissions=permissions, cluster_ids=cluster_ids)
        )
        tx.images.allocate(Image(number, name, uid, gid, permissions=permissions))
        tx.datastores.allocate(
            Datastore(number, name, uid, gid, permissions=permissions, cluster_ids=cluster_ids)
        )


def _found(
    tx: Snapshot, kind: ObjectKind, session: Session, given_rules: list[AclRule], *range_: int
) -> list[int]:
    selection = select_pool(kind, session, given_rules, *range_)
    return [found.id for found in tx.pool(kind).where(selection.sql, selection.parameters)]


def _allowed(tx: Snapshot, kind: ObjectKind, given_rules: list[AclRule]) -> list[int]:
    allowed = []
    for number in range(8):
        access = tx.object_access(kind, number)
        if access is not None and is_allowed(
            user_id=CALLER.user_id, group_ids=CALLER.group_ids, kind=kind.value, right=int(Right.USE),
            object_id=number, owner_id=access.uid, group_id=access.gid, permissions=access.permissions,
            cluster_ids=tx.pool(kind).cluster_ids(number), rules=given_rules,
        ):  # fmt: skip
            allowed.append(number)
    return sorted(allowed, reverse=True)


@given(objects=rows, given_rules=st.lists(rules, max_size=4))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_listing_has_exactly_what_the_caller_may_use(
    store: Store, objects: list[Row], given_rules: list[AclRule]
) -> None:
    def work(tx: Transaction) -> None:
        _fill(tx, objects)
        for kind in KINDS:
            usable = _allowed(tx, kind, given_rules)
            owners = {number: row[:2] for number, row in enumerate(objects)}
            assert _found(tx, kind, CALLER, given_rules, -2) == usable
            assert _found(tx, kind, CALLER, given_rules, -3) == [n for n in usable if owners[n][0] == 2]
            assert _found(tx, kind, CALLER, given_rules, -4) == [n for n in usable if owners[n][1] == 1]
            assert _found(tx, kind, CALLER, given_rules, -1) == [
                n for n in usable if owners[n][0] == 2 or owners[n][1] in CALLER.group_ids
            ]
            assert _found(tx, kind, CALLER, given_rules, 3) == [n for n in usable if owners[n][0] == 3]
            assert _found(tx, kind, ADMIN, given_rules, -2) == sorted(owners, reverse=True)

    store.write_now(work)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (-1, -1, [5, 4, 3, 2, 1, 0]),
        (3, -1, [5, 4, 3]),
        (1, 3, [3, 2, 1]),
        (0, -2, [5, 4]),
        (2, -2, [3, 2]),
        (-1, -4, [5, 4, 3, 2]),
        (5, -2, [0]),
        (6, -2, []),
        (4, 2, []),
    ],
)
def test_ranges_are_of_ids_and_pages_of_rows(store: Store, start: int, end: int, expected: list[int]) -> None:
    def work(tx: Transaction) -> list[int]:
        _fill(tx, [(2, 1, 0o600, [0])] * 6)
        return _found(tx, ObjectKind.HOST, CALLER, [], -2, start, end)

    assert store.write_now(work) == expected


def test_a_selection_can_be_narrowed_and_keeps_its_page(store: Store) -> None:
    def work(tx: Transaction) -> list[int]:
        _fill(tx, [(2, 1, 0o600, [0])] * 6)
        selection = select_pool(ObjectKind.HOST, CALLER, [], -2, 1, -2).and_("id < ?", 4)
        return [host.id for host in tx.hosts.where(selection.sql, selection.parameters)]

    assert store.write_now(work) == [2, 1]


@pytest.mark.parametrize("flag", [-5, -100])
def test_flags_below_all_others_are_refused(flag: int) -> None:
    with pytest.raises(ParameterError, match=r"^Incorrect filter_flag$"):
        select_pool(ObjectKind.VM, CALLER, [], flag)
