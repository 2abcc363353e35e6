"""The migration that brings quotas counts what a database holds already."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from opennebula_core.db import maintenance
from opennebula_core.db.quota_schema import add_quotas
from opennebula_core.db.quotas import Quotas
from opennebula_core.db.store import Store
from opennebula_core.db.transaction import Transaction
from opennebula_core.managers.bootstrap import FirstPlaces, FirstUsers, bootstrap
from opennebula_core.model.objects import Image, Vm
from opennebula_core.model.quotas import Owner, Quota, Resource
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.model.template import Template

COPY = {"IMAGE_ID": "0", "CLONE": "YES"}
DISK = {**COPY, "CLONE_TARGET": "SYSTEM", "SIZE": "5", "DISK_SNAPSHOT_TOTAL_SIZE": "2"}
SELF = {**COPY, "CLONE_TARGET": "SELF", "SIZE": "7", "DATASTORE_ID": "1"}
GROWING = {"IMAGE_ID": "9", "CLONE": "NO", "SIZE": "30", "ORIGINAL_SIZE": "10", "DATASTORE_ID": "2"}
VOLATILE = {"TYPE": "fs", "SIZE": "11"}
NIC = {"NETWORK_ID": "3", "NIC_ID": "0"}
PLACES = (
    (VmState.ACTIVE, LcmState.RUNNING),
    (VmState.ACTIVE, LcmState.EPILOG_FAILURE),
    (VmState.POWEROFF, LcmState.LCM_INIT),
    (VmState.PENDING, LcmState.LCM_INIT),
    (VmState.DONE, LcmState.LCM_INIT),
)


def _fill(tx: Transaction) -> None:
    bootstrap(tx, FirstUsers("oneadmin", "a", "b"), FirstPlaces("/srv/one", "/srv/two", (), ()))
    tx.images.allocate(Image(id=-1, name="disk", uid=5, gid=7, size_mb=40, datastore_id=1))
    items: list[tuple[str, str | dict[str, str]]] = [("CPU", "1.5"), ("MEMORY", "256")]
    items += [("NIC", NIC), ("NIC", NIC)]
    items += [("DISK", disk) for disk in (DISK, SELF, GROWING, VOLATILE)] + [
        ("DISK", "a text"),
        ("NIC", "a text"),
    ]
    for uid, gid in ((5, 7), (0, 7), (6, 0)):
        for state, lcm_state in PLACES:
            vm = Vm(id=-1, name="web", uid=uid, gid=gid, template=Template(items), state=state)
            vm.lcm_state = lcm_state
            tx.vms.allocate(vm)


def _quotas(path: Path) -> dict[str, dict[int, list[Quota]]]:
    store = Store(path, synchronous="OFF")
    try:
        return store.read(lambda tx: {owner.value: Quotas(tx).by_owner(owner) for owner in Owner})
    finally:
        store.close()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "one.db"
    store = Store(path, synchronous="OFF")
    store.write_now(_fill)
    store.close()
    return path


def test_a_database_from_before_quotas_is_counted_as_if_it_had_always_had_them(database: Path) -> None:
    counted = _quotas(database)
    with closing(sqlite3.connect(database)) as connection, connection:
        for table in ("vm_quota", "resource_quota"):
            connection.execute(f"DROP TABLE {table}")
        for column in ("counted", "system_disk_mib", "shares"):
            connection.execute(f"ALTER TABLE vm DROP COLUMN {column}")
        add_quotas(connection)

    assert _quotas(database) == counted
    vms = counted["USER"][5][0]
    assert vms.used == (4, 2, 600, 300, 1024, 512, 4 * (5 + 2 + 11))
    assert Quota(Resource.DATASTORE, 1, (-1, -1), (1, 40 + 4 * 7)) in counted["USER"][5]
    assert Quota(Resource.DATASTORE, 2, (-1, -1), (0, 4 * 20)) in counted["USER"][5]
    assert Quota(Resource.IMAGE, 0, (-1,), (8,)) in counted["GROUP"][7]
    assert Quota(Resource.NETWORK, 3, (-1,), (8,)) in counted["USER"][6]
    assert 0 not in {*counted["USER"], *counted["GROUP"]}


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        (
            "UPDATE vm_quota SET running_vms_used = 9 WHERE owner_kind = 'USER' AND owner_id = 5",
            "user 5, VM quota: the use of RUNNING_VMS (column running_vms) is 9, it should be 2",
        ),
        (
            "UPDATE resource_quota SET items_used = 0 WHERE owner_kind = 'USER' AND owner_id = 6 "
            "AND resource = 'NETWORK'",
            "user 6, quota of network 3: the number in use is 0, it should be 8",
        ),
        ("UPDATE vm SET counted = 1 WHERE id = 0", "VM 0: how it counts in quotas is 1, it should be 2"),
        ("UPDATE vm SET system_disk_mib = 1 WHERE id = 0", "VM 0: what its disks take is 1, it should be 18"),
    ],
)
def test_a_drift_is_found_and_put_right(database: Path, sql: str, text: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(sql)

    assert [problem.text for problem in maintenance.check(database)] == [text]
    assert [problem.text for problem in maintenance.fix(database)] == [text]
    assert maintenance.check(database) == []


def test_counters_that_are_missing_are_made_anew(database: Path) -> None:
    before = _quotas(database)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DELETE FROM vm_quota")
        connection.execute("DELETE FROM resource_quota WHERE resource = 'IMAGE'")
        connection.execute("UPDATE vm SET shares = '[]'")

    texts = [problem.text for problem in maintenance.check(database)]
    assert "the VM quotas of user 5 are not counted" in texts
    assert "the quota of group 7 of image 0 is not counted" in texts
    assert all(problem.can_be_fixed for problem in maintenance.fix(database))
    assert maintenance.check(database) == []
    assert _quotas(database) == before
