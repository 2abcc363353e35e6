from __future__ import annotations

from collections.abc import Callable

import pytest

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.pool import Pool
from opennebula_core.db.store import Store
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import InternalError, NotFoundError
from opennebula_core.model.objects import (
    AddressRange,
    Cluster,
    Datastore,
    Group,
    HistoryRecord,
    Host,
    Image,
    Lock,
    Network,
    NetworkTemplate,
    PoolObject,
    SecurityGroup,
    User,
    Vdc,
    Vm,
    VmGroup,
    VmTemplate,
)
from opennebula_core.model.template import Template, Vector

VALUES: dict[str, Callable[[str, int], PoolObject]] = {
    "vms": lambda name, uid: Vm(-1, name, uid=uid),
    "hosts": lambda name, uid: Host(-1, name, uid=uid),
    "networks": lambda name, uid: Network(-1, name, uid=uid),
    "images": lambda name, uid: Image(-1, name, uid=uid),
    "vm_templates": lambda name, uid: VmTemplate(-1, name, uid=uid),
    "network_templates": lambda name, uid: NetworkTemplate(-1, name, uid=uid),
    "users": lambda name, uid: User(-1, name, uid=uid),
    "clusters": lambda name, uid: Cluster(-1, name, uid=uid),
    "datastores": lambda name, uid: Datastore(-1, name, uid=uid),
    "vdcs": lambda name, uid: Vdc(-1, name, uid=uid),
    "vm_groups": lambda name, uid: VmGroup(-1, name, uid=uid),
    "groups": lambda name, uid: Group(-1, name, uid=uid),
    "security_groups": lambda name, uid: SecurityGroup(-1, name, uid=uid),
}
FIRST_IDS = {
    "users": 2,
    "clusters": 100,
    "datastores": 100,
    "groups": 100,
    "security_groups": 100,
    "vdcs": 100,
}
BY_OWNER = ("networks", "images", "vm_templates", "network_templates", "vm_groups", "security_groups")
BY_POOL = ("hosts", "users", "clusters", "datastores", "groups", "vdcs")


def _add(tx: Transaction, pool: str, name: str, uid: int = 0) -> int:
    added: Pool[PoolObject] = getattr(tx, pool)
    return added.allocate(VALUES[pool](name, uid))


@pytest.mark.parametrize("pool", VALUES)
def test_ids_count_up_from_the_first_and_are_never_given_again(store: Store, pool: str) -> None:
    def work(tx: Transaction) -> None:
        first = FIRST_IDS.get(pool, 0)
        assert [_add(tx, pool, name) for name in ("a", "b")] == [first, first + 1]
        getattr(tx, pool).drop(first + 1)
        assert _add(tx, pool, "c") == first + 2

    store.write_now(work)


@pytest.mark.parametrize("pool", BY_OWNER)
def test_a_name_is_taken_for_its_owner_alone(store: Store, pool: str) -> None:
    def work(tx: Transaction) -> None:
        taken = _add(tx, pool, "a", 2)
        _add(tx, pool, "a", 3)
        with pytest.raises(InternalError, match=rf"^NAME is already taken by \w+ {taken}\.$") as caught:
            _add(tx, pool, "a", 2)
        assert caught.value.object_id == taken

    store.write_now(work)


@pytest.mark.parametrize("pool", BY_POOL)
def test_a_name_is_taken_for_everybody(store: Store, pool: str) -> None:
    def work(tx: Transaction) -> None:
        _add(tx, pool, "a", 2)
        with pytest.raises(InternalError, match="NAME is already taken"):
            _add(tx, pool, "a", 3)
        assert _add(tx, pool, "A", 3) > 0, "names differ by case"

    store.write_now(work)


def test_two_vms_may_have_one_name(store: Store) -> None:
    assert store.write_now(lambda tx: [_add(tx, "vms", "web", 2) for _ in range(2)]) == [0, 1]


@pytest.mark.parametrize("name", ["", "x" * 129, "a|b", "a\nb", "a$b", "<x>", "a;b", "a'b", "a/b", "\x7f"])
def test_names_that_are_not_allowed_are_refused(store: Store, name: str) -> None:
    with pytest.raises(InternalError, match="Invalid NAME"):
        store.write_now(lambda tx: _add(tx, "hosts", name))


def test_what_is_saved_comes_back(store: Store) -> None:
    template = Template((("A", "1"), ("A", "<&>"), ("B", 'x"y')))
    wanted = Image(
        -1, "disk", 5, 6, "alice", "users", 0o640, Lock(2, 5, 99), template,
        source="/x", size_mb=7, persistent=True, datastore_id=1, datastore="default",
    )  # fmt: skip
    store.write_now(lambda tx: tx.images.allocate(wanted))
    assert store.read(lambda tx: tx.images.get(wanted.id)) == wanted

    def change(tx: Transaction) -> None:
        wanted.lock, wanted.size_mb = None, 8
        tx.images.save(wanted)

    store.write_now(change)
    assert store.read(lambda tx: tx.images.get(wanted.id)) == wanted


def test_what_is_missing_has_opennebulas_message(store: Store) -> None:
    with pytest.raises(NotFoundError, match=r"^Error getting virtual network \[7\]\.$") as caught:
        store.read(lambda tx: tx.networks.get(7))
    assert caught.value.object_id == 7
    assert store.read(lambda tx: tx.networks.find(7)) is None
    assert not store.read(lambda tx: tx.networks.exists(7))


def test_many_gives_those_that_exist_in_the_order_of_their_ids(store: Store) -> None:
    def work(tx: Transaction) -> list[int]:
        for name in "abc":
            _add(tx, "hosts", name)
        return [host.id for host in tx.hosts.many([2, 0, 9, 2])]

    assert store.write_now(work) == [0, 2]
    assert store.read(lambda tx: tx.hosts.many([])) == []


def test_objects_are_found_by_name_and_owner(store: Store) -> None:
    def work(tx: Transaction) -> None:
        mine, other = _add(tx, "images", "a", 2), _add(tx, "images", "a", 3)
        for uid, expected in ((2, mine), (3, other)):
            found = tx.images.find_by_name("a", uid)
            assert found is not None
            assert found.id == expected
        assert tx.images.find_by_name("a", 4) is None

    store.write_now(work)


def test_nothing_is_left_of_a_network_that_is_dropped(store: Store) -> None:
    def work(tx: Transaction) -> None:
        network_id = _add(tx, "networks", "n")
        tx.networks.add_range(network_id, AddressRange(-1, "ETHER", 4, "02:00:00:00:00:01"))
        tx.networks.take_lease(network_id, 0, 7)
        tx.networks.drop(network_id)
        for table in ("network", "address_range", "lease", "cluster_network"):
            assert tx.value(f"SELECT COUNT(*) FROM {table}") == 0

    store.write_now(work)


def test_each_change_is_told_of(store: Store) -> None:
    def work(tx: Transaction) -> None:
        host_id = _add(tx, "hosts", "h")
        host = tx.hosts.get(host_id)
        tx.hosts.save(host, "state MONITORED")
        tx.hosts.save(host)
        tx.hosts.drop(host_id)

    store.write_now(work)
    changes = store.read(lambda tx: tx.changes_after(0, 10))
    assert [change.event for change in changes] == ["allocate INIT", "state MONITORED", "update", "delete"]


def test_what_lives_in_other_tables_comes_in_order(store: Store) -> None:
    def work(tx: Transaction) -> None:
        vm_id = tx.vms.allocate(Vm(-1, "web"))
        for seq in (1, 0, 2):
            record = HistoryRecord(vm_id, seq, 7, f"host {seq}", 0, "dummy", "dummy", 0)
            tx.vms.save_children(Vm(vm_id, "web", history=[record]))
        network_id = tx.networks.allocate(Network(-1, "net", cluster_ids=[101, 0, 100]))
        for range_id in (2, 0):
            address_range = AddressRange(range_id, "ETHER", 5, "02:00:00:00:00:01", attributes=Vector(A="ü"))
            tx.networks.add_range(network_id, address_range)
        assert [record.hostname for record in tx.vms.get(vm_id).history] == ["host 0", "host 1", "host 2"]
        network = tx.networks.get(network_id)
        assert network.cluster_ids == [0, 100, 101]
        assert [(found.id, found.attributes) for found in network.ranges] == [
            (0, {"A": "ü"}),
            (2, {"A": "ü"}),
        ]

    store.write_now(work)


def test_the_row_that_a_right_was_checked_on_is_loaded_unless_something_was_written(store: Store) -> None:
    def work(tx: Transaction) -> list[int]:
        host_id = tx.hosts.allocate(Host(-1, "host01"))
        seen = []
        for is_booked in (False, True):
            tx.object_access(ObjectKind.HOST, host_id)
            if is_booked:
                tx.hosts.book(host_id, Vm(7, "web"))
            seen.append(tx.hosts.get(host_id).running_vms)
        tx.object_access(ObjectKind.HOST, host_id)
        first, second = tx.hosts.get(host_id), tx.hosts.get(host_id)
        assert first == second
        assert first is not second
        return seen

    assert store.write_now(work) == [0, 1]


def test_a_save_is_one_of_the_state_only_when_that_changed(store: Store) -> None:
    def change(tx: Transaction) -> None:
        host = Host(-1, "h1")
        tx.hosts.allocate(host)
        tx.hosts.save_after("INIT", host)
        tx.hosts.save_after("ERROR", host)

    store.write_now(change)
    events = [change.event for change in store.read(lambda tx: tx.changes_after(0, 9))]
    assert events == ["allocate INIT", "update", "state INIT"]
