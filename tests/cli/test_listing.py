from __future__ import annotations

import click
import pytest

from opennebula_core.cli import main
from tests.cli.shell import Shell

LISTED = [name for name in main.NAMED_PROGRAMS if name not in ("acct", "showback")]


@pytest.mark.parametrize("name", LISTED)
def test_every_column_of_every_listing_has_a_meaning(cloud: Shell, name: str) -> None:
    header, *rows = cloud.ok(f"one{name} list --describe").splitlines()
    group = main.load(name)
    assert isinstance(group, click.Group)
    named = str(group.commands["list"].help).rpartition("Columns: ")[2].rstrip(".").split(", ")

    assert header.split() == ["COLUMN", "MEANING"]
    assert [row.split()[0] for row in rows] == named
    assert all(len(row.split()) > 1 for row in rows)


def test_one_of_several_filters_is_enough_when_that_is_said(cloud: Shell) -> None:
    both = "onehost list -l NAME -f NAME=host01,NAME=host02"

    assert cloud.rows(both) == []
    assert cloud.rows(f"{both} --operator OR --sort NAME") == [["host01"], ["host02"]]


def test_scripts_of_the_original_may_say_what_holds_anyway(cloud: Shell) -> None:
    plain = cloud.ok("onehost list -l ID,NAME")

    assert cloud.ok("onehost list -l ID,NAME --no-expand --no-pager") == plain
