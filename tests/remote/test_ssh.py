from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from opennebula_core.errors import RemoteError
from opennebula_core.remote import Remote, RemoteOptions
from opennebula_core.testing.sshd import Sshd, processes_with, running_sshd, wait_until

pytestmark = pytest.mark.integration

SOON = timedelta(seconds=30)


@pytest.fixture
def options(sshd: Sshd) -> RemoteOptions:
    return RemoteOptions(config_file=sshd.ssh_config)


@pytest.mark.parametrize("name", ["stranger", "impostor", "careless"])
async def test_a_host_whose_key_is_not_the_known_one_is_refused(options: RemoteOptions, name: str) -> None:
    async with Remote(options) as remote:
        with pytest.raises(RemoteError, match=f"connect to '{name}': Host key is not trusted.*known_hosts"):
            await remote.run(name, ["true"], timeout=SOON)


async def test_more_known_hosts_files_may_be_configured(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known"
    known.write_text("stranger " + (sshd.folder / "host_key.pub").read_text())
    async with Remote(RemoteOptions(config_file=sshd.ssh_config, known_hosts=(str(known),))) as remote:
        await remote.run("stranger", ["true"], timeout=SOON)


async def test_a_key_that_the_host_does_not_know_is_refused(sshd: Sshd) -> None:
    options = RemoteOptions(config_file=sshd.ssh_config, key_files=(str(sshd.folder / "other_key"),))
    async with Remote(options) as remote:
        with pytest.raises(RemoteError, match=r"connect to 'host1': Permission denied.*authorized_keys"):
            await remote.run("host1", ["true"], timeout=SOON)


async def test_a_port_where_nobody_listens_is_an_error_at_once(sshd: Sshd) -> None:
    async with Remote(RemoteOptions(config_file=sshd.ssh_config, port=1)) as remote:
        with pytest.raises(RemoteError, match=r"connect to 'host1':.*refused"):
            await remote.run("host1", ["true"], timeout=SOON)


async def test_commands_share_a_connection(sshd: Sshd, options: RemoteOptions) -> None:
    before = sshd.connections()
    async with Remote(options) as remote:
        for _ in range(5):
            await remote.run("host1", ["true"], timeout=SOON)
    assert sshd.connections() - before == 1


async def test_many_commands_at_a_time_take_few_connections(sshd: Sshd, options: RemoteOptions) -> None:
    before = sshd.connections()
    async with Remote(options) as remote:
        await asyncio.gather(*(remote.run("host1", ["sleep", "0.1"], timeout=SOON) for _ in range(60)))
    assert sshd.connections() - before <= options.connections_per_host


async def test_a_host_that_allows_few_sessions_is_served_with_more_connections(tmp_path: Path) -> None:
    with running_sshd(tmp_path, more="MaxSessions 2") as narrow:
        async with Remote(RemoteOptions(config_file=narrow.ssh_config)) as remote:
            commands = [remote.run("host1", ["sleep", "0.1"], timeout=SOON) for _ in range(12)]
            assert all(completed.status == 0 for completed in await asyncio.gather(*commands))


async def test_an_idle_connection_is_closed_and_opened_again(sshd: Sshd) -> None:
    before = sshd.connections()
    options = RemoteOptions(config_file=sshd.ssh_config, idle_timeout=timedelta(milliseconds=50))
    async with Remote(options) as remote:
        await remote.run("host1", ["true"], timeout=SOON)
        async with asyncio.timeout(20):
            while sshd.session_pids():
                await asyncio.sleep(0.02)
        await remote.run("host1", ["true"], timeout=SOON)
    assert sshd.connections() - before == 2


async def test_a_hanging_host_holds_nobody_up(sshd: Sshd) -> None:
    options = RemoteOptions(config_file=sshd.ssh_config, connect_timeout=timedelta(seconds=2))
    async with Remote(options) as remote:
        hanging = [asyncio.create_task(remote.run("hanging", ["true"], timeout=SOON)) for _ in range(40)]
        await asyncio.sleep(0)
        begun_at = time.monotonic()
        await remote.run("host1", ["true"], timeout=SOON)
        assert not any(task.done() for task in hanging)
        errors = await asyncio.gather(*hanging, return_exceptions=True)
        # Those that wait for a host share one attempt, so that the last does not wait forty times as long.
        assert time.monotonic() - begun_at < 10
    assert all(isinstance(error, RemoteError) for error in errors)
    assert "connect to 'hanging': no answer within 2 s" in str(errors[0])


async def test_a_connection_that_breaks_is_an_error_and_the_next_command_opens_another(
    sshd: Sshd, options: RemoteOptions
) -> None:
    async with Remote(options) as remote:
        async with remote.process("host1", ["sh", "-c", "echo on; exec sleep 60"]) as process:
            assert await process.read(10) == b"on\n"
            waiting = asyncio.create_task(process.wait())
            for pid in sshd.session_pids():
                os.kill(pid, signal.SIGKILL)
            with pytest.raises(RemoteError, match="talk to 'host1': the connection was lost"):
                await waiting
        await remote.run("host1", ["true"], timeout=SOON)


async def test_a_connection_that_falls_silent_is_noticed_and_replaced(sshd: Sshd) -> None:
    options = RemoteOptions(config_file=sshd.ssh_config, keepalive=timedelta(milliseconds=200))
    async with Remote(options) as remote:
        running = asyncio.create_task(remote.run("host1", ["sleep", "60"], timeout=SOON))
        await remote.run("host1", ["true"], timeout=SOON)
        pids = sshd.session_pids()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(RemoteError, match="talk to 'host1': the connection was lost"):
                await running
            await remote.run("host1", ["true"], timeout=SOON)
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("name", ["-oProxyCommand=id", "host 1", "host\n1"])
async def test_a_name_that_is_no_host_name_is_refused(options: RemoteOptions, name: str) -> None:
    async with Remote(options) as remote:
        with pytest.raises(RemoteError, match="no host name"):
            await remote.run(name, ["true"], timeout=SOON)


class Listener(logging.Handler):
    """Calls something as soon as asyncssh says a word for the first time."""

    def __init__(self, word: str, then: Callable[[], object]) -> None:
        super().__init__()
        self._word = word
        self._then = then
        self.is_done = False

    def emit(self, record: logging.LogRecord) -> None:
        if not self.is_done and self._word in record.getMessage():
            self.is_done = True
            self._then()


@contextmanager
def listening(word: str, then: Callable[[], object]) -> Iterator[Listener]:
    log, listener = logging.getLogger("asyncssh"), Listener(word, then)
    level = log.level
    log.addHandler(listener)
    log.setLevel(logging.DEBUG)
    try:
        yield listener
    finally:
        log.setLevel(level)
        log.removeHandler(listener)


@pytest.mark.parametrize("moment", ["Requesting new SSH session", "Command: "])
async def test_a_command_that_is_cancelled_while_it_begins_leaves_nothing(
    options: RemoteOptions, lock: str, moment: str
) -> None:
    argv = ["sh", "-c", "cat >/dev/null; sleep 300", lock + ".work"]
    async with Remote(options) as remote:
        await remote.run("host1", ["true"], timeout=SOON)
        running = asyncio.create_task(remote.run("host1", argv, stdin="input", timeout=SOON, lock=lock))
        with listening(moment, running.cancel) as listener, pytest.raises(asyncio.CancelledError):
            await running
        assert listener.is_done
        await remote.run("host1", ["sleep", "0.5"], timeout=SOON)  # it may not even have come yet
        await asyncio.to_thread(wait_until, lambda: not processes_with(argv[-1]), "the command is gone", 5)


async def test_a_command_that_is_cancelled_while_it_gets_input_leaves_nothing(
    options: RemoteOptions, lock: str, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    argv = ["sh", "-c", 'touch "$1"; sleep 300', lock + ".work", str(begun)]
    async with Remote(options) as remote:
        given = b"x" * 8_000_000
        running = asyncio.create_task(remote.run("host1", argv, stdin=given, timeout=SOON, lock=lock))
        await asyncio.to_thread(wait_until, begun.exists, "it has begun")
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert not processes_with(argv[-1])
        await remote.run("host1", ["true"], timeout=SOON, lock=lock)


async def test_sessions_that_were_cancelled_while_they_opened_take_up_no_room(tmp_path: Path) -> None:
    with running_sshd(tmp_path, more="MaxSessions 2") as narrow:
        async with Remote(RemoteOptions(config_file=narrow.ssh_config)) as remote:
            await remote.run("host1", ["true"], timeout=SOON)
            for _ in range(4):
                running = asyncio.create_task(remote.run("host1", ["true"], timeout=SOON))
                with (
                    listening("Requesting new SSH session", running.cancel),
                    pytest.raises(asyncio.CancelledError),
                ):
                    await running
                await remote.run("host1", ["true"], timeout=SOON)
        assert narrow.connections() == 1
