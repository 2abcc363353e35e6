from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from opennebula_core.testing.ports import free_port
from tests.cli.shell import Shell, program, wait_until

HOSTS = ("host01", "host02")


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A running cloud with two hosts of the dummy hypervisor; it ends with the session."""
    location = tmp_path_factory.mktemp("cloud")
    program("one", "start", "--port", str(free_port()), location=location)
    try:
        shell = Shell(location)
        for name in HOSTS:
            shell.make(f"onehost create {name} -i dummy -v dummy")
        wait_until(lambda: {row[0] for row in shell.rows("onehost list -l STAT")} == {"on"})
        yield shell
    finally:
        program("one", "stop", location=location)


@pytest.fixture
def control(cloud: Shell) -> Iterator[Callable[[str], None]]:
    """Tell the dummy drivers how to behave, in JSON; afterwards they behave well again."""
    file = cloud.location / "var" / "dummy" / "control.json"

    def tell(rules: str) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(rules)

    yield tell
    tell("{}")


@pytest.fixture(scope="session")
def fresh_name() -> Callable[[str], str]:
    """Return names that nothing in the cloud has."""
    numbers = itertools.count(1)
    return lambda stem: f"{stem}-{next(numbers)}"


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A file that could be a disk."""
    path = tmp_path / "disk.raw"
    path.write_bytes(bytes(range(256)) * 4096 * 2)
    return path
