from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import opennebula_core
from opennebula_core.cli import main
from opennebula_core.testing.ports import free_port
from tests.cli.shell import Shell


def test_every_command_of_one_can_be_loaded() -> None:
    for name in main.COMMANDS:
        command = main.load(name)
        assert command.name == name
        assert command.help


def test_every_program_is_installed() -> None:
    for name in main.NAMED_PROGRAMS:
        assert (Path(sys.executable).parent / f"one{name}").is_file()
        assert hasattr(main, f"one{name}")


def test_one_vm_list_and_onevm_list_are_the_same(cloud: Shell) -> None:
    assert cloud.ok("one vm list -l ID,NAME") == cloud.ok("onevm list -l ID,NAME")


def test_the_version_is_told(cloud: Shell) -> None:
    assert cloud.ok("one --version").strip() == opennebula_core.__version__


def test_a_cloud_that_does_not_run_is_told_with_how_to_start_it(tmp_path: Path) -> None:
    (tmp_path / "one_auth").write_text("oneadmin:x\n")
    shell = Shell(tmp_path, {"ONE_XMLRPC": f"http://127.0.0.1:{free_port()}/RPC2"})

    said = shell.refused("onevm list")

    assert "connection refused; start the cloud with 'one start'" in said


def test_a_missing_session_is_told(tmp_path: Path) -> None:
    said = Shell(tmp_path, {"HOME": str(tmp_path)}).refused("onevm list")

    assert "cannot read your session" in said


def test_a_failing_command_says_one_line_on_standard_error(cloud: Shell) -> None:
    result = cloud.run("oneimage show 999999")

    assert (result.exit_code, result.stdout) == (255, "")
    assert result.stderr.startswith("oneimage: ")
    assert result.stderr.count("\n") == 1


def test_an_unknown_command_is_wrong_usage(cloud: Shell) -> None:
    assert "No such command 'frobnicate'" in cloud.misused("onevm frobnicate")


@pytest.mark.parametrize("module", ["opennebula_core.config", "opennebula_core.xml", "opennebula_core.db"])
def test_a_listing_loads_nothing_that_takes_long(module: str) -> None:
    code = f"import sys, opennebula_core.cli.vm; sys.exit({module!r} in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.fixture
def added(tmp_path: Path) -> dict[str, str]:
    """An environment in which a package adds two commands to ``one``, one of them broken."""
    info = tmp_path / "cloud_extras-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: cloud-extras\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[opennebula.cli]\ngreet = extras:greet\nbroken = extras.nothing:it\n"
    )
    (tmp_path / "extras.py").write_text(
        "import click\n\n@click.command()\ndef greet():\n    'Greet.'\n    click.echo('hello')\n"
    )
    return {**os.environ, "PYTHONPATH": str(tmp_path), "ONE_LOCATION": str(tmp_path)}


def one(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "one"
    return subprocess.run([str(program), *arguments], env=environment, capture_output=True, text=True)


def test_a_package_adds_a_command(added: dict[str, str]) -> None:
    assert one(added, "greet").stdout == "hello\n"
    assert "greet" in one(added, "--help").stdout


def test_a_broken_command_names_its_package_and_hurts_no_other(added: dict[str, str]) -> None:
    broken = one(added, "broken")

    assert broken.returncode == 1
    assert "load command 'broken' of cloud-extras: ModuleNotFoundError" in broken.stderr
    assert one(added, "--help").returncode == 0
