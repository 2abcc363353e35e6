from __future__ import annotations

import os
import subprocess
import venv
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from opennebula_core.testing.ports import free_port
from tests.cli.shell import Shell, program, wait_until

PIP_LIMIT_S = 600


@dataclass(frozen=True)
class Cloud:
    """A cloud for clients that know it by its address, a user and a password."""

    shell: Shell
    endpoint: str
    password: str

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which clients find the cloud."""
        return {
            **os.environ,
            "ONE_XMLRPC": self.endpoint,
            "ONE_AUTH": str(self.shell.location / "one_auth"),
            "ONE_URL": self.endpoint,
            "ONE_USERNAME": "oneadmin",
            "ONE_PASSWORD": self.password,
        }


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A started cloud with two hosts of the dummy hypervisor."""
    location, port = tmp_path_factory.mktemp("clients"), free_port()
    program("one", "start", "--port", str(port), location=location)
    try:
        shell = Shell(location)
        for name in ("host01", "host02"):
            shell.make(f"onehost create {name} -i dummy -v dummy")
        wait_until(lambda: {row[0] for row in shell.rows("onehost list -l STAT")} == {"on"})
        password = (location / "one_auth").read_text().strip().partition(":")[2]
        yield Cloud(shell, f"http://127.0.0.1:{port}/RPC2", password)
    finally:
        program("one", "stop", location=location)


@dataclass(frozen=True)
class Environment:
    """A virtual environment with one client in it, as its users have it."""

    folder: Path

    def program(self, name: str) -> str:
        """Return the path of an installed program."""
        return str(self.folder / "bin" / name)

    def pip(self, *arguments: str) -> None:
        """Run pip."""
        command = [self.program("python"), "-m", "pip", "--disable-pip-version-check", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_LIMIT_S, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Environment]:
    """Make an environment with packages from PyPI, unmodified."""

    def make(*packages: str) -> Environment:
        folder = tmp_path_factory.mktemp("environment")
        venv.create(folder, with_pip=True)
        made = Environment(folder)
        made.pip("install", "--quiet", *packages)
        return made

    return make


@pytest.fixture(scope="session")
def ansible(environment: Callable[..., Environment]) -> Environment:
    """Ansible with the collection that has the modules for OpenNebula.

    The whole package has 40,000 files of other collections; what is unpacked is that one.
    """
    made = environment("ansible-core", "pyone")
    made.pip("download", "--quiet", "--no-deps", "--dest", str(made.folder / "wheels"), "ansible")
    (wheel,) = (made.folder / "wheels").glob("ansible-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        wanted = "ansible_collections/community/general/"
        archive.extractall(
            made.folder / "collections", [name for name in archive.namelist() if name.startswith(wanted)]
        )
    return made
