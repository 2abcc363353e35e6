from __future__ import annotations

import asyncio
import socket
import uuid
from datetime import timedelta
from pathlib import Path

import pytest

from opennebula_core.remote import Remote
from opennebula_core.remote.local import local_names
from opennebula_core.testing.sshd import processes_with, wait_until


def test_names_on_the_host_names_line_of_the_hosts_file_are_local(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    own = socket.gethostname()
    hosts.write_text(f"127.0.0.1 localhost\n10.0.0.5 FE.example.org {own} cloud # comment\n10.0.0.6 host1\n")
    names = local_names(hosts_file=hosts)
    assert {own.lower(), "fe.example.org", "cloud", "localhost", "::1"} <= names
    assert "host1" not in names
    assert "comment" not in names


def test_without_a_hosts_file_the_host_name_is_enough(tmp_path: Path) -> None:
    assert socket.gethostname().lower() in local_names(hosts_file=tmp_path / "none")


async def test_a_command_that_is_cancelled_while_it_begins_leaves_nothing() -> None:
    mark = uuid.uuid4().hex
    async with Remote() as remote:
        for turns in range(12):
            argv = ["sh", "-c", "sleep 300; true", mark]
            running = asyncio.create_task(remote.run("", argv, timeout=timedelta(seconds=30)))
            for _ in range(turns):
                await asyncio.sleep(0)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
    await asyncio.to_thread(wait_until, lambda: not processes_with(mark), "the commands are gone", 5)
