from __future__ import annotations

import click
import pytest

from opennebula_core.cli import absent, main
from tests.cli.shell import Shell


@pytest.mark.parametrize(("group", "command"), sorted(absent._REASONS))
def test_a_reason_stands_for_a_command_that_is_not_there(group: str, command: str) -> None:
    found = main.load(group)

    assert isinstance(found, click.Group)
    assert command not in found.commands


def test_a_command_that_only_opennebula_has_is_refused_with_the_way_out(cloud: Shell) -> None:
    assert "'onevm disk-saveas'" in cloud.misused("onevm backup 1")
    assert "No such command 'bakcup'" in cloud.misused("onevm bakcup 1")
