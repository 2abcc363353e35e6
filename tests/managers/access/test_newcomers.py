from __future__ import annotations

import pytest

from opennebula_core.errors import DriverError
from opennebula_core.managers.access.newcomers import Newcomer, parse_newcomer


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("ldap lena cn=lena", Newcomer("ldap", "lena", "cn=lena")),
        ("ldap lena - 100 1 100", Newcomer("ldap", "lena", "-", (100, 1))),
        ("ldap lena x *100 1*", Newcomer("ldap", "lena", "x", (100, 1), frozenset({100, 1}))),
    ],
)
def test_an_answer_describes_somebody(answer: str, expected: Newcomer) -> None:
    assert parse_newcomer(answer) == expected


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "-",
        "ldap lena",
        "ldap le:na x",
        "ld/ap lena x",
        "core lena x",
        "public lena x",
        "server_cipher lena x",
        "ldap lena x users",
        "ldap lena x -1",
        "ldap lena x **1",
    ],
)
def test_an_answer_that_describes_nobody_is_refused(answer: str) -> None:
    with pytest.raises(DriverError):
        parse_newcomer(answer)
