from __future__ import annotations

import re
import subprocess
from collections.abc import Callable

import pytest

from tests.cli.shell import wait_until

from .conftest import Cloud, Environment

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]
LIMIT_S = 60
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(scope="module")
def client(cloud: Cloud, environment: Callable[..., Environment]) -> Callable[..., str]:
    """The command line of 7.4 as PyPI has it: it refuses a server that is not of its release."""
    installed = environment("opennebula-cli==7.4.0")

    def run(program: str, *arguments: str) -> str:
        command = [installed.program(program), *arguments]
        variables = {**cloud.environment, "NO_COLOR": "1", "COLUMNS": "200"}
        done = subprocess.run(
            command, env=variables, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return _COLOURS.sub("", done.stdout)

    return run


@pytest.mark.parametrize(
    ("program", "shown"),
    [
        ("onehost", "host01"), ("onecluster", "default"), ("onedatastore", "system"),
        ("oneuser", "serveradmin"), ("onegroup", "users"), ("oneacl", "RIGHTS"),
        ("oneimage", "No results"), ("onevnet", "No results"),
        ("onetemplate", "No results"), ("onevm", "No results"),
    ],
)  # fmt: skip
def test_every_pool_is_listed(client: Callable[..., str], program: str, shown: str) -> None:
    assert shown in client(program, "list")


def test_objects_are_shown(client: Callable[..., str]) -> None:
    for program in ("onehost", "onecluster", "onedatastore", "oneuser", "onegroup"):
        assert '"id": 0' in client(program, "show", "0")


def test_a_template_is_instantiated(cloud: Cloud, client: Callable[..., str]) -> None:
    shell = cloud.shell
    template_id = shell.make("onetemplate create --name tiny --cpu 0.1 --memory 32")
    client("onetemplate", "instantiate", str(template_id), "--name", "made")
    wait_until(lambda: shell.rows("onevm list -l NAME,STAT") == [["made", "runn"]])
    assert "made" in client("onevm", "list")
    vm_id = shell.rows("onevm list -l ID")[0][0]
    shell.ok(f"onevm terminate --hard {vm_id}")
    wait_until(lambda: shell.rows("onevm list -l NAME") == [])
    shell.ok("onetemplate delete tiny")
