from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from opennebula_core.config import Location
from opennebula_core.wire.framing import Answer, LogLine, parse_answer
from opennebula_core.wire.monitoring import HostSystem, parse_bundle, unpack

COMMAND = (sys.executable, "-m", "opennebula_core.wire.onedriver")

NOT_OURS = frozenset(
    "RESIZE RESIZEDISK UPDATESG UPDATENIC BACKUP BACKUPCANCEL DISKSNAPSHOTCREATE EXEC "  # noqa: SIM905
    "SNAPSHOTCREATE SNAPSHOTREVERT SNAPSHOTDELETE".split()
)
"""Actions of OpenNebula's drivers that the contract does not have."""


class Running:
    """A driver's process, asked by lines."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.logs: list[LogLine] = []

    def tell(self, *lines: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{line}\n" for line in lines).encode())

    async def answer(self) -> Answer:
        """Return the next answer; log lines before it are kept."""
        assert self.process.stdout is not None
        while True:
            line = await asyncio.wait_for(self.process.stdout.readline(), 20)
            assert line.endswith(b"\n"), line
            parsed = parse_answer(line.decode())
            if isinstance(parsed, LogLine):
                self.logs.append(parsed)
                continue
            assert parsed is not None, line
            return parsed

    async def ask(self, line: str) -> Answer:
        self.tell(line)
        return await self.answer()

    async def end(self) -> int:
        return await asyncio.wait_for(self.process.wait(), 10)


@pytest.fixture
async def start(location: Location) -> Any:
    """Start a driver; it has answered INIT."""
    started: list[asyncio.subprocess.Process] = []

    async def begin(*arguments: str, init: bool = True) -> Running:
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=location.var,
            env={**os.environ, "ONE_LOCATION": str(location)},
            limit=2**24,
        )
        started.append(process)
        running = Running(process)
        if init:
            answer = await running.ask("INIT")
            assert (answer.action, answer.result) == ("INIT", "SUCCESS")
        return running

    yield begin
    for process in started:
        if process.returncode is None:
            process.kill()
            await process.wait()
        process._transport.close()  # type: ignore[attr-defined]  # asyncio leaves it to the collector


Start = Callable[..., Awaitable[Running]]


def test_describe_prints_what_a_driver_can_do(location: Location) -> None:
    done = subprocess.run(
        [*COMMAND, "vmm", "dummy", "--describe"], capture_output=True, text=True, check=True
    )

    described = json.loads(done.stdout)
    assert described["kind"] == "vmm"
    assert described["distribution"] == "opennebula-core"
    assert {"DEPLOY", "MIGRATE", "DESCRIBE"} <= set(described["actions"])
    assert "delay_s" in [option["name"] for option in described["options"]]


def test_describe_of_a_driver_that_is_missing_names_those_that_are_there() -> None:
    done = subprocess.run(
        [*COMMAND, "vmm", "nosuch", "--describe"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "no driver 'nosuch' in opennebula.vmm: installed are dummy" in done.stderr


async def test_init_of_a_driver_that_is_missing_says_why(start: Start) -> None:
    running = await start("tm", "nosuch", init=False)

    answer = await running.ask("INIT")

    assert answer.result == "FAILURE"
    assert "no driver 'nosuch' in opennebula.tm" in answer.info
    assert await running.end() == 1


async def test_the_whole_command_line_may_come_as_one_word(start: Start) -> None:
    running = await start("tm dummy")

    running.tell("FINALIZE")

    assert await running.end() == 0


async def test_finalize_ends_the_process_when_what_runs_is_done(
    start: Start, location: Location, transcript: Callable[[str], Any]
) -> None:
    (location.var / "dummy").mkdir()
    (location.var / "dummy" / "control.json").write_text('{"vmm/POLL": {"delay_s": 0.3}}')
    running = await start("vmm", "dummy")

    running.tell(transcript("6.10-vmm-dummy").first("POLL"), "FINALIZE")

    assert (await running.answer()).action == "POLL"
    assert await running.end() == 0


@pytest.mark.parametrize("end", ["input", "SIGTERM"])
async def test_the_process_ends_with_the_core_or_by_a_signal(
    end: str, start: Start, location: Location, transcript: Callable[[str], Any]
) -> None:
    (location.var / "dummy").mkdir()
    (location.var / "dummy" / "control.json").write_text('{"vmm/POLL": {"hang": true}}')
    running = await start("vmm", "dummy")
    running.tell(transcript("6.10-vmm-dummy").first("POLL"))
    await asyncio.sleep(0.1)

    started = time.monotonic()
    if end == "input":
        assert running.process.stdin is not None
        running.process.stdin.close()
    else:
        running.process.send_signal(signal.SIGTERM)

    assert await running.end() == 0
    assert time.monotonic() - started < 3


def test_it_works_with_closed_standard_error_and_a_file_as_input(location: Location, tmp_path: Path) -> None:
    """OpenNebula's core closes descriptor 2; a person may feed a file."""
    requests = tmp_path / "requests"
    requests.write_text("INIT\nFROB 7 x\nFINALIZE\n")

    with requests.open() as file:
        done = subprocess.run(
            ["/bin/sh", "-c", 'exec "$0" "$@" 2>&-', *COMMAND, "vmm", "dummy"],
            stdin=file,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            env={**os.environ, "ONE_LOCATION": str(location)},
        )

    assert done.stdout.splitlines()[0] == "INIT SUCCESS - -"
    assert done.stdout.splitlines()[1].startswith("FROB FAILURE 7")


async def test_settings_of_the_cloud_reach_the_driver(
    start: Start, location: Location, transcript: Callable[[str], Any]
) -> None:
    location.config_file.write_text('[drivers.vmm.dummy.options]\nfail = "POLL"\n')
    running = await start("vmm", "dummy")

    answer = await running.ask(transcript("6.10-vmm-dummy").first("POLL"))

    assert answer.result == "FAILURE"
    assert "was told to fail" in answer.info


@pytest.mark.parametrize(
    "name", ["6.10-vmm-dummy", "6.10-vmm-exec", "7.4-vmm-dummy", "7.4-vmm-exec", "5.12-vmm-dummy"]
)
async def test_recorded_vmm_requests_get_the_recorded_results(
    name: str, start: Start, location: Location, transcript: Callable[[str], Any]
) -> None:
    """Our driver takes the requests of other releases' cores; an action it does not have fails by name."""
    (location.var / "deployment.7").write_text("<domain/>")
    running = await start("vmm", "dummy")
    taken = 0
    for exchange in transcript(name).exchanges:
        words = exchange.request.split()
        recorded = [answer for answer in exchange.answers if not answer.startswith("LOG")]
        if len(words) != 3 or not recorded:
            continue
        answer = await running.ask(exchange.request)
        assert (answer.action, answer.object_id) == (words[0], 7)
        if "is not implemented by driver vmm/dummy" in answer.info:
            assert words[0] in NOT_OURS
        elif "Transfer Driver" in answer.info:
            assert "available" in answer.info
        elif words[0] in ("DEPLOY", "CANCEL", "SHUTDOWN", "CLEANUP", "POLL"):
            assert answer.result == recorded[0].split()[1] == "SUCCESS", exchange.request[:40]
            taken += 1
    assert taken >= 3


async def test_log_lines_are_those_of_the_recorded_exec_driver(
    start: Start, location: Location, transcript: Callable[[str], Any]
) -> None:
    (location.var / "deployment.7").write_text("<domain/>")
    running = await start("vmm", "dummy")
    exchange = next(
        each for each in transcript("6.10-vmm-exec").exchanges if each.request.startswith("CANCEL")
    )

    await running.ask(exchange.request)

    ours = [line.text for line in running.logs]
    recorded = [line.split(" ", 3)[3] for line in exchange.answers if "Successfully" in line]
    assert ours == recorded


@pytest.mark.parametrize("name", ["6.10-tm", "7.4-tm", "4.4-tm"])
async def test_recorded_transfers_get_the_recorded_results(
    name: str, start: Start, tmp_path: Path, transcript: Callable[[str], Any]
) -> None:
    recorded = transcript(name)
    running = await start("tm", "dummy")
    for script in ("x.prolog", "bad1", "bad2"):
        file = tmp_path / script
        file.write_text(recorded.scripts[script])
        exchange = next(each for each in recorded.exchanges if each.request.endswith(f"/{script}"))

        answer = await running.ask(f"TRANSFER  7 {file}")

        theirs = next(line for line in exchange.answers if line.startswith("TRANSFER")).split(" ", 3)
        assert [answer.action, answer.result, str(answer.object_id)] == theirs[:3]
        if script == "bad1":
            assert answer.info.startswith(theirs[3])  # Transfer Driver 'nosuch' not available


@pytest.mark.parametrize("name", ["6.10-datastore", "7.4-datastore", "4.4-datastore"])
async def test_recorded_datastore_requests_get_the_recorded_results(
    name: str, start: Start, transcript: Callable[[str], Any], decoded: Callable[[str], str]
) -> None:
    running = await start("datastore", "dummy")
    compared = 0
    for exchange in transcript(name).exchanges:
        words = exchange.request.split()
        recorded = [line for line in exchange.answers if not line.startswith("LOG")]
        if len(words) != 3 or not recorded or words[0] not in ("STAT", "CP", "MKFS", "CLONE", "RM"):
            continue
        document = decoded(words[2])
        if "<DS_MAD>fs" in document:
            continue
        answer = await running.ask(exchange.request)
        theirs = recorded[0].split(" ", 3)
        assert [answer.action, answer.result, str(answer.object_id)] == theirs[:3]
        if "nosuch" in document:
            assert answer.info.startswith(theirs[3])  # Datastore driver 'nosuch' not available
        elif words[0] == "STAT":
            assert answer.info == theirs[3] == "1024"
        compared += 1
    assert compared >= 5


@pytest.mark.parametrize("name", ["6.10-auth", "7.4-auth"])
async def test_recorded_authentications_get_the_recorded_results(
    name: str, start: Start, transcript: Callable[[str], Any]
) -> None:
    running = await start("auth", "dummy")
    for exchange in transcript(name).exchanges:
        if " plain " in exchange.request or exchange.request.split()[:1] in ([], ["INIT"], ["FINALIZE"]):
            running.tell("")
            continue
        answer = await running.ask(exchange.request)
        theirs = exchange.answers[-1].split(" ", 3)
        assert [answer.action, answer.result, str(answer.object_id)] == theirs[:3]
        assert answer.info.startswith(theirs[3])


@pytest.mark.parametrize("name", ["5.12-im", "6.10-im", "7.4-im"])
async def test_recorded_start_monitor_is_answered_with_the_host(
    name: str, start: Start, transcript: Callable[[str], Any]
) -> None:
    running = await start("im", "dummy")

    answer = await running.ask(transcript(name).first("START_MONITOR"))

    assert (answer.result, answer.object_id) == ("SUCCESS", 3)
    system = parse_bundle(3, unpack(answer.info.split()[1]))[0]
    assert isinstance(system, HostSystem)
    assert system.attributes.get("HOSTNAME") == "host01"
    assert system.attributes.get("TOTALMEMORY") == "16777216"
    assert (await running.ask(transcript(name).first("STOP_MONITOR"))).result == "SUCCESS"
