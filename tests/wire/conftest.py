from __future__ import annotations

import asyncio
import base64
import stat
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from opennebula_core.config import Location

TRANSCRIPTS = Path(__file__).parent / "transcripts"


@dataclass(slots=True)
class Exchange:
    """A request of a transcript and what the driver answered until the next one.

    :param payload: the request's payload, decoded, where the transcript has it
    """

    request: str
    answers: list[str] = field(default_factory=list)
    payload: str = ""

    def is_said_by(self, line: str) -> bool:
        """Whether ``line`` is this request; of long ones the transcript has the beginning and the length."""
        beginning, cut, rest = self.request.partition(" ...(cut, ")
        if not cut:
            return line == self.request
        return line.startswith(beginning) and len(line) == int(rest.split()[0])


@dataclass(frozen=True, slots=True)
class Transcript:
    """The lines of a transcript, sorted out."""

    name: str
    exchanges: list[Exchange]
    datagrams: list[str]
    scripts: dict[str, str]

    @property
    def requests(self) -> list[str]:
        return [exchange.request for exchange in self.exchanges]

    @property
    def answers(self) -> list[str]:
        return [answer for exchange in self.exchanges for answer in exchange.answers]

    def first(self, action: str) -> str:
        return next(request for request in self.requests if request.split()[:1] == [action])


def read_transcript(name: str) -> Transcript:
    exchanges: list[Exchange] = []
    datagrams: list[str] = []
    scripts: dict[str, str] = {}
    for line in (TRANSCRIPTS / f"{name}.txt").read_text().splitlines():
        if line.startswith(">"):
            exchanges.append(Exchange(line[2:]))
        elif line.startswith("< "):
            exchanges[-1].answers.append(line[2:])
        elif line.startswith("~udp "):
            datagrams.append(line[5:])
        elif line.startswith("#    = ") and exchanges and not exchanges[-1].answers:
            exchanges[-1].payload = line[7:].replace("\\n", "\n")
        elif line.startswith("#    ") and not line.startswith("#    ="):
            script, _, command = line[5:].partition(": ")
            scripts[script] = f"{scripts.get(script, '')}{command}\n"
    return Transcript(name, exchanges, datagrams, scripts)


@pytest.fixture(scope="session")
def transcript() -> Callable[[str], Transcript]:
    """A recorded conversation by its file's name."""
    return read_transcript


@pytest.fixture(scope="session")
def transcript_names() -> list[str]:
    return sorted(file.stem for file in TRANSCRIPTS.glob("*.txt"))


@pytest.fixture(scope="session")
def decoded() -> Callable[[str], str]:
    """The text of a payload, base64 with or without zlib."""

    def decode(word: str) -> str:
        data = base64.b64decode(word)
        return (zlib.decompress(data) if data[:1] == b"x" else data).decode()

    return decode


@pytest.fixture
def location(tmp_path: Path) -> Location:
    """An empty ONE_LOCATION with its folders."""
    location = Location.at(tmp_path / "one")
    location.create()
    return location


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], Path]:
    """Make an executable file of a text; a text without ``#!`` is a Bash script."""
    count = iter(range(1000))

    def make(text: str) -> Path:
        file = tmp_path / f"driver-{next(count)}"
        file.write_text(text if text.startswith("#!") else f"#!/bin/bash\n{text}")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
        return file

    return make


@pytest.fixture
def until() -> Callable[[Callable[[], object]], object]:
    """Wait until a condition holds; 10 s at most."""

    async def wait(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline, "the condition never held"
            await asyncio.sleep(0.01)

    return wait
