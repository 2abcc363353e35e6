"""VMs of a renamed group: the newest follow at once, the rest in the background, also after a crash."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from opennebula_core.db.store import Store
from opennebula_core.db.transaction import Transaction
from opennebula_core.managers.access import group_names
from opennebula_core.managers.access.group_names import GroupNames, follow
from opennebula_core.model.objects import Group, Vm
from opennebula_core.model.template import Template
from opennebula_core.testing.cloud import Cloud

NAMES = "SELECT gname FROM vm ORDER BY id"
DOCUMENTS = "SELECT doc_head, doc_short_head FROM vm ORDER BY id"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "one.db", synchronous="OFF")
    yield store
    store.close()


def make(store: Store, vms: int, name: str) -> Group:
    group = Group(-1, name)

    def work(tx: Transaction) -> None:
        tx.groups.allocate(group)
        for number in range(vms):
            template = Template([("CPU", "1"), ("MEMORY", "64")])
            tx.vms.allocate(
                Vm(-1, f"GNAME {number}", 2, group.id, "<GNAME>x</GNAME>", name, template=template)
            )

    store.write_now(work)
    return group


def rename(store: Store, group: Group, name: str) -> None:
    group.name = name
    names = GroupNames(store)

    def work(tx: Transaction) -> None:
        tx.groups.save(group)
        names.renamed(tx, group)

    store.write_now(work)


def names(store: Store) -> list[str]:
    return [row[0] for row in store.read(lambda tx: tx.query(NAMES))]


def documents(store: Store) -> list[tuple[object, ...]]:
    return store.read(lambda tx: tx.query(DOCUMENTS))


def test_what_is_left_at_a_crash_follows_after_the_start(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_names, "AT_ONCE", 2)
    group, other = make(store, 5, "dev"), make(store, 1, "other")
    rename(store, group, "ops")
    assert names(store) == ["dev"] * 4 + ["ops", "other"]

    again = Store(store.path, synchronous="OFF")
    try:
        jobs = 0
        while again.write_now(follow):
            jobs += 1
    finally:
        again.close()

    assert jobs == 2
    assert names(store) == ["ops"] * 5 + ["other"]
    assert store.read(lambda tx: tx.value("SELECT COUNT(*) FROM setting")) == 0
    assert other.name == "other"


def test_two_groups_and_a_second_name_before_the_first_is_everywhere(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_names, "AT_ONCE", 1)
    first, second = make(store, 3, "a"), make(store, 3, "b")
    for group, name in ((first, "a1"), (second, "b1"), (first, "a2")):
        rename(store, group, name)
        store.write_now(follow)
    while store.write_now(follow):
        continue

    assert names(store) == ["a2"] * 3 + ["b1"] * 3


def test_a_group_that_is_gone_is_forgotten(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_names, "AT_ONCE", 1)
    group = make(store, 3, "dev")
    rename(store, group, "ops")
    store.write_now(lambda tx: tx.groups.drop(group.id))

    assert store.write_now(follow)
    assert not store.write_now(follow)


@pytest.mark.parametrize("name", ["ops", "o-p s", "ä]]b", "x'--"])
def test_documents_are_those_that_a_save_would_make(store: Store, name: str) -> None:
    group = make(store, 2, "dev")
    rename(store, group, name)
    followed = documents(store)

    def save_all(tx: Transaction) -> None:
        for vm in tx.vms.where():
            tx.vms.save(vm)

    store.write_now(save_all)

    assert followed == documents(store)


async def test_all_vms_follow_and_are_told(front_end: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_names, "AT_ONCE", 1)
    group_id = await front_end.new("one.group.allocate", "dev")
    vm_ids = [await front_end.add_vm() for _ in range(4)]
    for vm_id in vm_ids:
        await front_end.call("one.vm.chown", vm_id, -1, group_id)
    before = front_end.daemon.store.read(lambda tx: tx.last_change())
    await front_end.call("one.group.rename", group_id, "ops")

    await front_end.until(
        lambda: all(front_end.vm(vm_id).gname == "ops" for vm_id in vm_ids), "all to follow"
    )
    changes = front_end.daemon.store.read(lambda tx: tx.changes_after(before, 100))
    assert {change.object_id for change in changes if change.kind.value == "VM"} == set(vm_ids)
    pool = await front_end.document("one.vmpool.info", -2, -1, -1, -2)
    assert [vm.findtext("GNAME") for vm in pool] == ["ops"] * 4
