from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from opennebula_core.db import maintenance
from opennebula_core.db.migrations import CURRENT_VERSION
from opennebula_core.db.store import Store
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import StoreError
from opennebula_core.managers.bootstrap import FirstPlaces, FirstUsers, bootstrap
from opennebula_core.managers.vm.records import open_record
from opennebula_core.model.objects import AddressRange, Host, Image, Network, Vm
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.model.template import Template

Change = Callable[[str], None]


def _fill(tx: Transaction) -> None:
    bootstrap(tx, FirstUsers("oneadmin", "a", "b"), FirstPlaces("/srv/one", "/srv/two", (), ()))
    host = Host(id=-1, name="host01", im_mad="dummy", vm_mad="dummy", max_cpu=400, max_mem=1 << 20)
    tx.hosts.allocate(host)
    image = Image(id=-1, name="disk", size_mb=5, datastore_id=1, datastore="default")
    tx.images.allocate(image)
    network = Network(id=-1, name="net", bridge="br0", vn_mad="dummy")
    tx.networks.allocate(network)
    tx.networks.add_range(network.id, AddressRange(-1, "IP4", 10, "02:00:0a:00:00:01", "10.0.0.1"))
    template = Template((("CPU", "1.5"), ("MEMORY", "256"), ("DISK", {"SIZE": "5"}), ("DISK", {"SIZE": "7"})))
    vm = Vm(id=-1, name="web", template=template, state=VmState.ACTIVE, lcm_state=LcmState.RUNNING)
    tx.vms.allocate(vm)
    tx.images.use(image.id, vm.id, 0)
    tx.networks.take_lease(network.id, 0, vm.id, 0)
    open_record(tx, vm, host, tx.datastores.get(0), 0, 0)
    tx.vms.save(vm)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database with a VM that runs on a host, with disks, an image and a lease."""
    path = tmp_path / "one.db"
    store = Store(path, synchronous="OFF")
    store.write_now(_fill)
    store.close()
    return path


@pytest.fixture
def change(database: Path) -> Change:
    """Change the database by hand."""

    def run(sql: str) -> None:
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute(sql)

    return run


def texts(database: Path) -> list[str]:
    return [problem.text for problem in maintenance.check(database)]


def test_what_the_pools_wrote_is_consistent(database: Path) -> None:
    assert texts(database) == []
    assert maintenance.version(database) == CURRENT_VERSION


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("UPDATE host SET cpu_usage = 7", "host 0 (host01): CPU in use is 7, it should be 150"),
        ("UPDATE host SET mem_usage = 0", "host 0 (host01): memory in use is 0, it should be 262144"),
        ("UPDATE host SET disk_usage = 1", "host 0 (host01): disk in use is 1, it should be 12"),
        ("UPDATE host SET running_vms = 3", "host 0 (host01): number of VMs is 3, it should be 1"),
        ("UPDATE image SET running_vms = 0", "image 0 (disk): number of VMs is 0, it should be 1"),
        (
            "UPDATE image SET cloning_ops = 2",
            "image 0 (disk): number of copies being made is 2, it should be 0",
        ),
        ("UPDATE network SET used_leases = 9", "network 0 (net): number of leases is 9, it should be 1"),
        (
            "UPDATE address_range SET used_leases = 4",
            "network 0, range 0: number of leases is 4, it should be 1",
        ),
        (
            "UPDATE address_range SET first_free = 5",
            "network 0, range 0: the first address that may be free is 5, it should be 1",
        ),
        (
            "UPDATE pool_counter SET last_id = -1 WHERE kind = 'vm'",
            "ids of vms: the last one given is -1, it should be 0",
        ),
    ],
)
def test_a_miscount_is_found_and_put_right(database: Path, change: Change, sql: str, text: str) -> None:
    change(sql)

    assert texts(database) == [text]
    assert [problem.text for problem in maintenance.fix(database)] == [text]
    assert texts(database) == []


def test_what_an_ended_vm_still_holds_is_given_back(database: Path, change: Change) -> None:
    change("UPDATE vm SET state = 6, lcm_state = 0, host_id = NULL")
    change("UPDATE vm SET counted = 0, system_disk_mib = 0, shares = '[]'")
    change("UPDATE history SET etime = 1")
    change("UPDATE host SET cpu_usage = 0, mem_usage = 0, disk_usage = 0, running_vms = 0")

    assert texts(database) == [
        "a lease of network 0 is held by VM 0, which has ended",
        "image 0 is used by VM 0, which has ended",
    ]
    maintenance.fix(database)
    assert texts(database) == []


def test_what_a_removed_reservation_still_holds_is_given_back(database: Path, change: Change) -> None:
    change("UPDATE lease SET vm_id = -77")
    assert texts(database) == ["an address of network 0 is reserved for network 75, which is gone"]
    maintenance.fix(database)
    assert texts(database) == []


def test_an_ended_vm_and_a_group_that_is_gone_are_no_members(database: Path, change: Change) -> None:
    change("""INSERT INTO vm_group (id, name, uid, gid, uname, gname, permissions, template, roles)
        VALUES (0, 'app', 0, 0, '', '', 384, '{}', '{"ROLE":[{"ID":"0","NAME":"db"}]}')""")
    change("INSERT INTO pool_counter VALUES ('vm_group', 0)")
    change("INSERT INTO vm_group_member VALUES (0, 0, 0)")
    assert texts(database) == []
    change("UPDATE vm_group_member SET role_id = 1")
    assert texts(database) == [
        "VM 0 is in a role of vm group 0 that is not there: 1; see 'onevm vmgroup-del'"
    ]
    change("UPDATE vm_group_member SET group_id = 5")
    assert texts(database) == ["VM 0 is in vm group 5, which does not exist"]
    change("INSERT INTO vm_group_member VALUES (99, 0, 0)")
    assert len(texts(database)) == 2
    maintenance.fix(database)
    assert texts(database) == []


def test_what_is_gone_leaves_the_vdcs(database: Path, change: Change) -> None:
    change("INSERT INTO vdc_resource VALUES (0, 'HOST', 0, 0), (0, 'HOST', 0, 9), (0, 'CLUSTER', 0, 0)")
    change("INSERT INTO vdc_resource VALUES (7, 'NET', 0, -10), (0, 'DATASTORE', 0, 44)")
    change("INSERT INTO vdc_group VALUES (0, 88), (0, 0), (7, 1)")

    assert sorted(texts(database)) == [
        "VDC 0 has datastore 44; one of them does not exist",
        "VDC 0 has group 88; one of them does not exist",
        "VDC 0 has host 9; one of them does not exist",
        "VDC 7 has group 1; one of them does not exist",
        "VDC 7 has network -10; one of them does not exist",
    ]
    maintenance.fix(database)
    assert texts(database) == []


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("UPDATE host SET cluster_id = 55", "host 0 is in cluster 55, which does not exist"),
        ("UPDATE image SET datastore_id = 66", "image 0 is in datastore 66, which does not exist"),
        ("UPDATE vm SET lcm_state = 2", "VM 0 is in LCM state 2 and has no plan that would bring it on"),
        ("UPDATE vm SET host_id = NULL", "VM 0 counts as being on host none, its newest record says 0"),
    ],
)
def test_what_a_person_has_to_decide_is_told_and_left(
    database: Path, change: Change, sql: str, text: str
) -> None:
    change(sql)

    (problem,) = maintenance.check(database)
    assert problem.text.startswith(text)
    assert not problem.can_be_fixed
    maintenance.fix(database)
    assert len(texts(database)) == 1


def test_a_damaged_file_is_told(database: Path) -> None:
    with database.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 4096)

    try:
        problems = texts(database)
    except StoreError as error:
        problems = [str(error)]
    assert problems
    assert "restore a backup" in problems[0]


def test_a_copy_is_whole_and_closed_to_others(database: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"

    assert maintenance.back_up(database, target) == target.stat().st_size

    assert target.stat().st_mode & 0o777 == 0o600
    assert texts(target) == []
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith((".", "copy"))) == [
        "copy.db"
    ]
    with pytest.raises(StoreError, match="is there already"):
        maintenance.back_up(database, target)


def test_a_copy_of_a_database_that_is_written_to_is_consistent(database: Path, tmp_path: Path) -> None:
    store = Store(database, synchronous="OFF")
    store.write_now(lambda tx: tx.hosts.allocate(Host(id=-1, name="late", im_mad="dummy", vm_mad="dummy")))

    maintenance.back_up(database, tmp_path / "copy.db")
    store.close()

    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT COUNT(*) FROM host").fetchone() == (2,)


def test_a_copy_that_cannot_be_written_leaves_nothing(database: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="check the folder"):
        maintenance.back_up(database, tmp_path / "nowhere" / "copy.db")


def test_a_database_of_another_release_is_left_alone(database: Path, change: Change) -> None:
    change(f"PRAGMA user_version = {CURRENT_VERSION + 1}")

    with pytest.raises(StoreError, match="install the release that wrote it"):
        maintenance.check(database)
    with pytest.raises(StoreError, match="written by a newer release"):
        maintenance.migrate_file(database)


def test_an_empty_file_is_migrated_to_this_release(tmp_path: Path) -> None:
    path = tmp_path / "one.db"
    path.touch()

    with pytest.raises(StoreError, match="run 'one db migrate'"):
        maintenance.check(path)
    assert maintenance.migrate_file(path)[0].startswith("1: ")
    assert maintenance.version(path) == CURRENT_VERSION
    assert maintenance.migrate_file(path) == []


def test_no_file_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is none"):
        maintenance.check(tmp_path / "one.db")
