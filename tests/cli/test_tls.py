"""A cloud that speaks TLS, under another name than that of this machine: its own programs know it."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from opennebula_core.testing.ports import free_port
from tests.cli.shell import Shell, program, wait_until


def issue(etc: Path) -> None:
    etc.mkdir(parents=True, exist_ok=True)
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "api.key",
               "-out", "api.crt", "-subj", "/CN=cloud.example.org", "-days", "9",
               "-addext", "subjectAltName=DNS:cloud.example.org"]  # fmt: skip
    subprocess.run(command, cwd=etc, check=True, capture_output=True)


def command_lines() -> bytes:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            found.append(path.read_bytes())
    return b"".join(found)


def test_the_clouds_own_programs_work_over_tls_and_secrets_stay_secret(tmp_path: Path) -> None:
    issue(tmp_path / "etc")
    settings = (
        f'[api]\nport = {free_port()}\ncertificate = "api.crt"\nkey = "api.key"\n[log]\nlevel = "debug"\n'
    )
    (tmp_path / "etc/oned.toml").write_text(settings)
    shell = Shell(tmp_path)
    program("one", "start", location=tmp_path)
    try:
        shell.make("onehost create h1 -i dummy -v dummy")
        vm = shell.make("onevm create --name a --cpu 0.1 --memory 64M")
        wait_until(lambda: shell.rows("onevm list -l ID,STAT") == [[str(vm), "runn"]])
        shell.make("oneuser create alice", stdin="sesame-password\n")
        session = tmp_path / "alice"
        alice = Shell(tmp_path, {"ONE_AUTH": str(session)})
        alice.ok("oneuser login alice", stdin="sesame-password\n")
        alice.refused("oneuser login alice --force", stdin="sesame-wrong\n")

        issue(tmp_path / "etc")
        os.kill(int((tmp_path / "var/run/oned.pid").read_text()), signal.SIGHUP)
        log = tmp_path / "var/log/oned.log"
        wait_until(lambda: "is used for new connections" in log.read_text())
        assert "alice" in alice.ok("oneuser show")
        shell.ok(f"onevm poweroff {vm}")
        commands = command_lines()
    finally:
        program("one", "stop", location=tmp_path)
    token = session.read_text().strip().partition(":")[2]
    key = (tmp_path / "var/.one/token_key").read_text().strip()
    own = (tmp_path / "one_auth").read_text().strip().partition(":")[2]
    server = (tmp_path / "var/.one/sched_auth").read_text().strip().partition(":")[2]
    logs = "".join(path.read_text() for path in (tmp_path / "var/log").iterdir() if path.is_file())
    assert "user 'alice': a login from 127.0.0.1 failed" in logs
    for secret in ("sesame-password", "sesame-wrong", token, key, own, server):
        assert secret
        assert secret not in logs
        assert secret.encode() not in commands
