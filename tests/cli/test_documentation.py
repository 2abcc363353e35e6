from __future__ import annotations

from pathlib import Path

import click
import pytest

from opennebula_core.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def row(program: str) -> str:
    """Return what the page's table says of a program."""
    return next(line for line in PAGE.read_text().splitlines() if line.startswith(f"| `{program}` |"))


@pytest.mark.parametrize("name", main.NAMED_PROGRAMS)
def test_every_command_of_a_program_is_on_the_page(name: str) -> None:
    group = main.load(name)
    if not isinstance(group, click.Group):
        assert row(f"one{name}")
        return

    named = row(f"one{name}").split("|")[2].replace("`", "").replace(" ", "").split(",")

    assert sorted(named) == sorted(group.commands)


def test_every_command_of_one_is_on_the_page() -> None:
    text = row("one")
    for name in main.COMMANDS:
        if name in main.NAMED_PROGRAMS:
            continue
        command = main.load(name)
        assert f"`{name}" in text
        if isinstance(command, click.Group):
            said = text.partition(f"`{name} ")[2].partition("`")[0].split("\\|")
            assert sorted(said) == sorted(command.commands)
