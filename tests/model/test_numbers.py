from __future__ import annotations

import pytest

from opennebula_core.model.numbers import MAX_ID, decimal_number, whole_number

RUBBISH = ["", " ", "-1", "+1", "x", "1x", " 1", "1 ", "1_0", "1e3", "0x10", "NaN", "inf", "٣", "²", "1\n"]


@pytest.mark.parametrize("text", [*RUBBISH, "1.0", str(MAX_ID + 1), str(2**63), str(2**70), "9" * 5000])
def test_what_is_no_whole_number(text: str) -> None:
    assert whole_number(text) is None


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("007", 7), (str(MAX_ID), MAX_ID)])
def test_what_is_one(text: str, number: int) -> None:
    assert whole_number(text) == number


def test_the_highest_number_is_the_callers_choice() -> None:
    assert whole_number("5", 5) == 5
    assert whole_number("6", 5) is None


@pytest.mark.parametrize("text", [*RUBBISH, ".", "1.2.3", "1,5", "1" * 13, "9" * 5000])
def test_what_is_no_decimal_number(text: str) -> None:
    assert decimal_number(text) is None


@pytest.mark.parametrize(("text", "number"), [("0", 0.0), ("1.", 1.0), (".5", 0.5), ("12.25", 12.25)])
def test_what_is_a_decimal_number(text: str, number: float) -> None:
    assert decimal_number(text) == number
