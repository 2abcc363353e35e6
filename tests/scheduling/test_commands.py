"""Commands that packages add to ``onesched``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def added(tmp_path: Path) -> dict[str, str]:
    """An environment in which a package adds commands to ``onesched``, one of them broken."""
    info = tmp_path / "sched_extras-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sched-extras\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[opennebula.onesched]\ngreet = extras:greet\nfail = extras:fail\nbroken = extras.nothing:it\n"
    )
    (tmp_path / "extras.py").write_text(
        "import click\nfrom opennebula_core.errors import ConfigError\n\n"
        "@click.command()\ndef greet():\n    click.echo('hello')\n\n"
        "@click.command()\ndef fail():\n    raise ConfigError('greet: nobody is there; ring the bell')\n"
    )
    return {**os.environ, "PYTHONPATH": str(tmp_path), "ONE_LOCATION": str(tmp_path)}


def onesched(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "onesched"
    return subprocess.run([str(program), *arguments], env=environment, capture_output=True, text=True)


def test_a_package_adds_a_command_beside_the_options(added: dict[str, str]) -> None:
    assert onesched(added, "greet").stdout == "hello\n"
    shown = onesched(added, "--help").stdout
    assert "greet" in shown
    assert "--explain VM" in shown


def test_an_error_of_a_command_is_one_line(added: dict[str, str]) -> None:
    failed = onesched(added, "fail")

    assert failed.returncode == 1
    assert failed.stderr == "onesched: greet: nobody is there; ring the bell\n"


def test_a_broken_command_names_its_package(added: dict[str, str]) -> None:
    broken = onesched(added, "broken")

    assert broken.returncode == 1
    assert "load command 'broken' of sched-extras: ModuleNotFoundError" in broken.stderr


def test_an_unknown_command_is_wrong_usage(added: dict[str, str]) -> None:
    unknown = onesched(added, "frobnicate")

    assert unknown.returncode == 2
    assert "No such command 'frobnicate'" in unknown.stderr


@pytest.mark.parametrize("command", ["simulate", "compare"])
def test_a_command_whose_package_is_missing_says_what_to_install(command: str) -> None:
    code = (
        "from opennebula_core.scheduling import commands, process\n"
        "commands.added_commands = lambda group, **selection: []\n"
        f"process.main(['{command}', 'trace.swf'])"
    )
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert asked.returncode == 1
    assert asked.stderr.endswith("it is not installed; pip install opennebula-sched-lab\n")
