from __future__ import annotations

import pytest

from opennebula_core.scheduling.numbers import number, whole_number


@pytest.mark.parametrize(("text", "value"), [("1.5", 1.5), ("", 0.0), ("x", 0.0), ("nan", 0.0), ("inf", 0.0)])
def test_what_is_no_number_counts_as_the_default(text: str, value: float) -> None:
    assert number(text) == value


@pytest.mark.parametrize(("text", "value"), [("7", 7), ("7.9", 7), ("", -1), ("1e400", -1)])
def test_whole_numbers_are_cut_off(text: str, value: int) -> None:
    assert whole_number(text, -1) == value
