from __future__ import annotations

import json
import socket
from pathlib import Path

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
