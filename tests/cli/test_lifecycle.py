from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from opennebula_core.testing.ports import free_port
from tests.cli.shell import Shell, program


def test_a_cloud_starts_tells_what_runs_and_stops(tmp_path: Path) -> None:
    shell, port = Shell(tmp_path), free_port()
    assert shell.run("one status --json").exit_code == 3

    program("one", "start", "--port", str(port), location=tmp_path)
    try:
        facts = json.loads(shell.ok("one status --json"))
        assert (facts["running"], facts["port"], facts["policy"]) == (True, port, "default")
        assert all(facts["pids"].values())
        assert "change [api] port there" in shell.refused(f"one start --port {port + 1}")
    finally:
        program("one", "stop", location=tmp_path)

    assert shell.run("one status --json").exit_code == 3
    assert (tmp_path / "one_auth").stat().st_mode & 0o777 == 0o600
    assert "Nothing was running." in shell.ok("one stop")


def test_a_port_that_is_taken_is_named_and_nothing_is_left_running(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"another program listens at http://127.0.0.1:{port}/RPC2" in shell.refused(
            f"one start --port {port}"
        )
    facts = json.loads(shell.run("one status --json").stdout)
    assert not any(facts["pids"].values())


def test_a_policy_that_does_not_load_is_said_with_what_runs_and_what_to_do(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "oned.toml").write_text(
        f'[api]\nport = {free_port()}\n[scheduler]\npolicy = "defualt"\n'
    )
    log = tmp_path / "var" / "log" / "onesched.log"
    log.parent.mkdir(parents=True)
    log.write_text("what an earlier run said\n")
    try:
        with pytest.raises(AssertionError) as refused:
            program("one", "start", location=tmp_path)
        said = str(refused.value)
        pid = json.loads(shell.run("one status --json").stdout)["pids"]["oned"]
    finally:
        program("one", "stop", location=tmp_path)

    assert "no driver 'defualt' in opennebula.scheduler" in said
    assert "did you mean 'default'?" in said
    assert f"oned runs, process {pid}" in said
    assert "pending ones are not placed" in said
    assert "then 'one start' again" in said
    assert "earlier run" not in said


def test_a_daemon_that_ends_is_said_with_what_it_logged_just_now(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "oned.toml").write_text(f"[api]\nport = {free_port()}\n")
    database = tmp_path / "var" / "one.db"
    database.mkdir(parents=True)

    said = shell.refused("one start")

    assert "start oned: it ended\n  " in said
    assert "oned does not run" in said
    assert not json.loads(shell.run("one status --json").stdout)["pids"]["oned"]
