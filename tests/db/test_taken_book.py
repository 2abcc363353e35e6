"""Sums of what is taken: kept for a commit, undone with jobs that fail, written before anybody reads them."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from opennebula_core.db.store import Store
from opennebula_core.db.taken_book import TakenBook
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import AuthorizationError, StoreError
from opennebula_core.model.objects import Image, Vm
from opennebula_core.model.quotas import Limits, Owner, Resource
from opennebula_core.model.states import DiskType, ImageType, VmState
from opennebula_core.model.takings import Taken
from opennebula_core.model.template import Template

ALICE, BOB, GROUP = 2, 3, 100
Job = Callable[[Transaction], None]


def a_vm(uid: int) -> Vm:
    template = Template([("CPU", "1"), ("MEMORY", "64"), ("DISK", {"IMAGE_ID": "5", "DISK_ID": "0"})])
    return Vm(-1, "one", uid, GROUP, state=VmState.PENDING, template=template)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "one.db", synchronous="OFF")
    yield store
    store.close()


def used(store: Store, uid: int) -> dict[Resource, tuple[int, ...]]:
    return store.read(lambda tx: {quota.resource: quota.used for quota in tx.quotas.of(Owner.USER, uid)})


def limit_vms(store: Store, uid: int, vms: int) -> None:
    limits = Limits(Resource.VM, -1, (vms, *[-1] * 6))
    store.write_now(lambda tx: tx.quotas.set_limits(Owner.USER, uid, [limits]))


def together(store: Store, *works: Job) -> list[BaseException | None]:
    """Run jobs in one commit, and return what each of them failed with."""

    def run(tx: Transaction) -> list[BaseException | None]:
        errors: list[BaseException | None] = []
        for work in works:
            tx.taken.keep_job()
            tx.execute("SAVEPOINT inner")
            try:
                work(tx)
                errors.append(None)
            except (AuthorizationError, ZeroDivisionError) as error:
                tx.execute("ROLLBACK TO inner")
                tx.taken.undo_job()
                errors.append(error)
            tx.execute("RELEASE inner")
        return errors

    return store.write_now(run)


def makes(uid: int) -> Job:
    def work(tx: Transaction) -> None:
        tx.enforces_quotas = True
        tx.vms.allocate(a_vm(uid))

    return work


def makes_reads_and_fails(tx: Transaction) -> None:
    tx.vms.allocate(a_vm(BOB))
    assert tx.quotas.of(Owner.USER, BOB)[0].used[0] == 1
    assert tx.quotas.of(Owner.USER, ALICE)[0].used[0] == 1
    raise ZeroDivisionError


def test_what_a_failed_job_settled_for_others_is_written_with_the_commit(store: Store) -> None:
    assert isinstance(together(store, makes(ALICE), makes_reads_and_fails)[1], ZeroDivisionError)

    assert used(store, ALICE)[Resource.VM][0] == 1
    assert used(store, ALICE)[Resource.IMAGE] == (1,)
    assert used(store, BOB) == {}


def test_of_many_in_one_commit_as_many_pass_as_there_is_room_for(store: Store) -> None:
    limit_vms(store, ALICE, 3)

    errors = together(store, *[makes(uid) for _ in range(5) for uid in (BOB, ALICE)])

    assert [error is None for error in errors[1::2]] == [True, True, True, False, False]
    assert not any(errors[::2])
    assert used(store, ALICE)[Resource.VM][0] == 3
    assert used(store, BOB)[Resource.VM][0] == 5


def test_who_has_a_limit_is_known_from_its_setting_on_and_after_a_restart(store: Store) -> None:
    store.write_now(lambda tx: tx.vms.allocate(a_vm(ALICE)))
    limit_vms(store, ALICE, 1)
    again = Store(store.path, synchronous="OFF")
    try:
        for one in (store, again):
            with pytest.raises(AuthorizationError, match="limit of 1 reached for VMS"):
                one.write_now(makes(ALICE))
    finally:
        again.close()


def test_a_commit_that_fails_leaves_nothing_open(store: Store) -> None:
    def fails(tx: Transaction) -> None:
        tx.vms.allocate(a_vm(ALICE))
        tx.taken.note(None, Taken(ALICE, GROUP, (1 << 70,) * 7, ()))

    with pytest.raises(StoreError, match="nothing of it was kept"):
        store.write_now(fails)
    store.write_now(lambda tx: tx.vms.allocate(a_vm(ALICE)))

    assert used(store, ALICE)[Resource.VM][0] == 1


def test_a_job_that_fails_undoes_nothing_of_an_earlier_commit(store: Store) -> None:
    def fails(tx: Transaction) -> None:
        raise ZeroDivisionError

    store.write_now(lambda tx: tx.vms.allocate(a_vm(ALICE)))
    with pytest.raises(ZeroDivisionError):
        store.write_now(fails)
    store.write_now(lambda tx: tx.vms.allocate(a_vm(ALICE)))

    assert used(store, ALICE)[Resource.VM][0] == 2


def test_an_image_that_goes_takes_its_entry_along(store: Store) -> None:
    image = Image(
        -1, "i", ALICE, GROUP, type=ImageType.OS, disk_type=DiskType.FILE, size_mb=7, datastore_id=1
    )
    store.write_now(lambda tx: tx.images.allocate(image))
    assert used(store, ALICE) == {Resource.DATASTORE: (1, 7)}
    store.write_now(lambda tx: tx.images.drop(image.id))

    with sqlite3.connect(store.path) as connection:
        assert connection.execute("SELECT COUNT(*) FROM resource_quota").fetchone() == (0,)


@pytest.mark.parametrize("seed", range(20))
def test_the_book_says_what_was_kept_whatever_was_undone_and_settled(seed: int) -> None:
    dice, book = random.Random(seed), TakenBook()
    things = [Taken(uid, GROUP, (1,), ()) for uid in range(4)]
    written: Counter[Taken] = Counter()
    right: Counter[Taken] = Counter()
    for _ in range(30):
        if dice.random() < 0.2:  # a commit ends
            written.update(book.settle())
            book.forget()
        job: Counter[Taken] = Counter()
        at_begin = Counter(written)
        for _ in range(dice.randrange(5)):
            before, after = dice.choice([None, *things]), dice.choice([None, *things])
            book.note(before, after)
            job.subtract([before] if before else [])
            job.update([after] if after else [])
            if dice.random() < 0.3:
                written.update(book.settle())
        if dice.random() < 0.4:
            book.undo_job()
            written = at_begin
        else:
            book.keep_job()
            right.update(job)
    written.update(book.settle())

    assert {taken: times for taken, times in written.items() if times} == {
        taken: times for taken, times in right.items() if times
    }
