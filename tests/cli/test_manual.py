from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from opennebula_core.cli import main
from tests.cli.shell import Shell

PROGRAMS = ("one", *(f"one{name}" for name in main.NAMED_PROGRAMS))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pages; no cloud is needed for them."""
    found = tmp_path_factory.mktemp("manual") / "man1"
    said = Shell(found).ok("one manual", str(found))
    assert said == f"{len(PROGRAMS)} pages in {found}\n"
    return found


def rendered(page: Path) -> str:
    """Return a page as man shows it; where no groff is installed, with the requests taken away."""
    if shutil.which("groff") is None:
        return re.sub(r"\\f[BR]|\\&", "", page.read_text()).replace("\\-", "-")
    said = subprocess.run(
        ["groff", "-man", "-Tutf8", "-P-cbou", "-rLL=400n", "-wall", "-Kutf8", str(page)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert said.stderr == ""
    return said.stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_page_is_well_formed_and_has_the_sections_of_a_page(folder: Path, program: str) -> None:
    page = folder / f"{program}.1"

    assert page.read_text().startswith(f'.TH "{program.upper()}" "1"')
    text = rendered(page)
    positions = [
        text.index(f"{title}\n") if shutil.which("groff") else text.index(f".SH {title}")
        for title in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "ENVIRONMENT", "EXIT STATUS", "SEE ALSO")
    ]
    assert positions == sorted(positions)


@pytest.mark.parametrize("name", main.NAMED_PROGRAMS)
def test_every_command_is_on_its_page_with_every_option(folder: Path, name: str) -> None:
    text, group = rendered(folder / f"one{name}.1"), main.load(name)

    commands = group.commands.values() if isinstance(group, click.Group) else (group,)
    for command in commands:
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                assert all(word in text for word in option.opts), (command.name, option.opts)


def test_the_page_of_one_has_the_commands_of_its_groups(folder: Path) -> None:
    text = rendered(folder / "one.1")

    for words in (
        "doctor [OPTIONS]",
        "db check [OPTIONS]",
        "plugin list [OPTIONS] [KIND]...",
        "manual [OPTIONS]",
    ):
        assert words in text


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    said = Shell(tmp_path).refused("one manual", str(tmp_path / "file" / "man1"))

    assert "name another folder" in said
