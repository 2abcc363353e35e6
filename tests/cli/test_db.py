from __future__ import annotations

import sqlite3
from pathlib import Path

from tests.cli.shell import Shell


def test_a_running_clouds_database_is_checked_and_copied(cloud: Shell, tmp_path: Path) -> None:
    assert ": fine, schema version" in cloud.ok("one db check")
    copy = tmp_path / "copy.db"

    cloud.ok(f"one db backup {copy}")

    assert copy.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(copy) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM host")}
    connection.close()
    assert names >= {"host01", "host02"}
    assert "is there already" in cloud.refused(f"one db backup {copy}")


def test_a_folder_gets_a_copy_with_the_time_in_its_name(cloud: Shell, tmp_path: Path) -> None:
    cloud.ok(f"one db backup {tmp_path}")

    assert len(list(tmp_path.glob("one-*.db"))) == 1


def test_nothing_is_changed_under_a_running_daemon(cloud: Shell) -> None:
    for line in ("one db check --fix", "one db migrate"):
        assert "stop the cloud with 'one stop' first" in cloud.refused(line)


def test_miscounts_are_found_and_recounted(cloud: Shell, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    cloud.ok(f"one db backup {tmp_path}/var/one.db")
    with sqlite3.connect(tmp_path / "var" / "one.db") as connection:
        connection.execute("UPDATE host SET cpu_usage = cpu_usage + 300 WHERE name = 'host01'")
    connection.close()
    shell = Shell(tmp_path)

    assert "(host01): CPU in use is" in shell.refused("one db check")
    assert "fixed: host 0 (host01): CPU in use" in shell.ok("one db check --fix")
    assert "schema version" in shell.ok("one db check")
    assert "schema version" in shell.ok("one db migrate")


def test_no_database_is_told(tmp_path: Path) -> None:
    assert "start a cloud with 'one start'" in Shell(tmp_path).refused("one db check")
