from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from opennebula_core.remote import Remote, RemoteOptions
from opennebula_core.testing.sshd import Sshd, running_sshd

HOSTS = [
    pytest.param("", id="local"),
    pytest.param("host1", id="ssh", marks=pytest.mark.integration),
]

DRIVER = """
import asyncio, sys
from datetime import timedelta
from opennebula_core.remote import Remote, RemoteOptions

async def main() -> None:
    config, *arguments = sys.argv[1:]
    async with Remote(RemoteOptions(config_file=config, bandwidth_bytes_per_s=BANDWIDTH)) as remote:
        CALL

asyncio.run(main())
"""


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture(params=HOSTS)
def host(request: pytest.FixtureRequest) -> str:
    """This machine, then a host over ssh."""
    return str(request.param)


@pytest.fixture
async def remote(request: pytest.FixtureRequest, host: str) -> AsyncIterator[Remote]:
    config = request.getfixturevalue("sshd").ssh_config if host else ""
    async with Remote(RemoteOptions(config_file=config)) as opened:
        yield opened


@pytest.fixture
def lock() -> Iterator[str]:
    """A lock that nobody else uses; its files go with it."""
    name = f"test-{uuid.uuid4().hex}"
    yield name
    for path in Path(f"/var/tmp/one-locks-{os.getuid()}").glob(f"{name}.*"):
        path.unlink()


@pytest.fixture
def start_driver(sshd: Sshd) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start a process that makes one call of ``remote``, and that a test may kill."""
    started: list[subprocess.Popen[bytes]] = []

    def start(call: str, *arguments: str, bandwidth: int = 0) -> subprocess.Popen[bytes]:
        source = DRIVER.replace("CALL", call).replace("BANDWIDTH", str(bandwidth))
        argv = [sys.executable, "-c", source, sshd.ssh_config, *arguments]
        started.append(subprocess.Popen(argv, stderr=subprocess.PIPE))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()
