from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

import click
import pytest

from opennebula_core.cli.columns import Column, number, size, text
from opennebula_core.cli.filters import parse_filters

COLUMNS = (
    number("ID", "ID"),
    text("NAME", "NAME"),
    size("MEM", "MEM", also=("MEMORY",)),
    Column("STAT", lambda item: "runn", words=lambda item: ("RUNNING",), also=("STATE",)),
)


@pytest.fixture
def item() -> Element:
    """An object of 2 GiB."""
    return fromstring("<VM><ID>7</ID><NAME>Web, one</NAME><MEM>2097152</MEM></VM>")


@pytest.mark.parametrize(
    "condition",
    ["ID=7", "ID<10", "ID>=7", "NAME=web, one", "NAME~^WEB", "NAME!~db", "MEM=2G", "MEMORY>1.5G", "MEM<3 GiB",
     "STATE=RUNNING", "stat=runn", "STAT!=poff", " ID = 7 ", "ID=7,NAME~one,MEM<1T"],
)  # fmt: skip
def test_a_condition_that_holds(item: Element, condition: str) -> None:
    assert all(part.holds(item) for part in parse_filters([condition], COLUMNS))


@pytest.mark.parametrize("condition", ["ID=8", "ID>7", "NAME=web", "MEM>2G", "STAT!=RUNNING", "ID=7,NAME=x"])
def test_a_condition_that_does_not_hold(item: Element, condition: str) -> None:
    assert not all(part.holds(item) for part in parse_filters([condition], COLUMNS))


@pytest.mark.parametrize(
    ("condition", "complaint"),
    [("ID", "is no condition"), ("FOO=1", "no column 'FOO'; there are ID"), ("MEM>big", "is no size"),
     ("NAME~[", "unterminated")],
)  # fmt: skip
def test_a_wrong_condition_says_what_is_wrong(condition: str, complaint: str) -> None:
    with pytest.raises(click.BadParameter, match=complaint):
        parse_filters([condition], COLUMNS)
