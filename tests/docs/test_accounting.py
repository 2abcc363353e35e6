"""The page's queries run with the plain sqlite3 program on a database whose hours are known."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from opennebula_core.db.store import Store
from opennebula_core.db.transaction import Transaction
from opennebula_core.model.objects import HistoryRecord, Vm
from opennebula_core.model.states import VmState
from opennebula_core.model.template import Template

PAGE = Path(__file__).parents[2] / "docs/accounting.md"
DAY, HOUR = 1_700_006_400, 3600
QUERIES = re.findall(r"^```sql\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def sqlite3_program() -> str:
    """Return the program; it is installed where that may be done."""
    if shutil.which("sqlite3") is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-y", "-qq", "sqlite3"], check=True, capture_output=True)
    found = shutil.which("sqlite3")
    assert found, "the sqlite3 program is missing: install it"
    return found


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Path]:
    store = Store(tmp_path / "one.db", synchronous="OFF")
    store.write_now(_fill)
    yield tmp_path / "one.db"
    store.close()


def _fill(tx: Transaction) -> None:
    """Make a VM of alice (two hours, asleep, an hour elsewhere), and one of bob that never ran."""
    vm = Vm(7, "web", uid=2, gid=1, uname="alice", gname="users", state=VmState.DONE)
    vm.template = Template((("CPU", "0.5"), ("MEMORY", "1024")))
    vm.history = [
        _stay(0, "host1", DAY, DAY + 2 * HOUR),
        _stay(1, "host2", DAY + 3 * HOUR, DAY + 4 * HOUR),
    ]
    tx.vms.allocate(vm)
    idle = Vm(8, "idle", uid=3, gid=1, uname="bob", gname="users", state=VmState.DONE)
    idle.template = Template((("CPU", "1"), ("MEMORY", "512")))
    idle.history = [_stay(0, "host1", 0, 0, vm_id=8)]
    tx.vms.allocate(idle)


def _stay(seq: int, host: str, started: int, ended: int, vm_id: int = 7) -> HistoryRecord:
    # Whoever had the VM placed, here the scheduler's user, is not whom it is charged to.
    return HistoryRecord(
        vm_id, seq, int(host[-1]), host, 0, "kvm", "ssh", 0,
        stime=DAY, etime=DAY + 5 * HOUR, running_stime=started, running_etime=ended, uid=1, gid=0,
    )  # fmt: skip


def _ask(program: str, database: Path, sql: str) -> list[list[str]]:
    command = [program, "-readonly", "-separator", "|", str(database), sql]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [line.split("|") for line in output.splitlines()]


def test_the_page_has_its_three_queries() -> None:
    assert len(QUERIES) == 3


def test_hours_per_user_group_and_host(sqlite3_program: str, database: Path) -> None:
    assert _ask(sqlite3_program, database, QUERIES[0]) == [
        ["alice", "users", "host1", "1", "2.0", "1.0"],
        ["alice", "users", "host2", "1", "1.0", "0.5"],
        ["bob", "users", "host1", "1", "0.0", "0.0"],
    ]


def test_the_longest_running_vms(sqlite3_program: str, database: Path) -> None:
    assert _ask(sqlite3_program, database, QUERIES[1])[0] == ["7", "web", "alice", "3.0"]


def test_what_ran_on_each_day(sqlite3_program: str, database: Path) -> None:
    assert _ask(sqlite3_program, database, QUERIES[2]) == [["2023-11-15", "2", "1.5"]]


def test_a_guest_that_still_runs_counts_until_now(sqlite3_program: str, database: Path) -> None:
    store = Store(database, synchronous="OFF")
    store.write_now(
        lambda tx: tx.execute(
            "UPDATE history SET running_etime = 0, running_stime = strftime('%s', 'now') - 7200 WHERE seq = 1"
        )
    )
    store.close()
    (row,) = _ask(sqlite3_program, database, "SELECT vm_hours FROM vm_hours WHERE host_name = 'host2'")
    assert float(row[0]) == pytest.approx(2.0, abs=0.01)
