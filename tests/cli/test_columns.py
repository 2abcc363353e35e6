from __future__ import annotations

import pytest

from opennebula_core.cli.columns import lay_out, number, plain_table, text

COLUMNS = (number("ID", "ID"), text("NAME", "NAME"), text("HOST", "HOST"))


def test_numbers_are_aligned_to_the_right_and_words_to_the_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    assert lay_out(COLUMNS, [["1", "web", "host01"], ["10", "database", "h"]]) == [
        "ID NAME     HOST",
        " 1 web      host01",
        "10 database h",
    ]


def test_the_widest_words_give_way_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")

    lines = lay_out(COLUMNS, [["1", "a-very-long-name-indeed", "host01"]], header=False)

    assert len(lines[0]) <= 20
    assert lines[0].endswith("… host01")


def test_numbers_are_never_shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "10")

    assert lay_out(COLUMNS, [["1234567890", "x", "y"]], header=False) == ["1234567890 x y"]


def test_output_that_is_no_terminal_is_not_shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)

    assert lay_out(COLUMNS, [["1", "n" * 300, "h"]], header=False) == [f"1 {'n' * 300} h"]


def test_wide_characters_count_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    assert lay_out(COLUMNS, [["1", "雲", "h"], ["2", "abc", "h"]], header=False) == ["1 雲  h", "2 abc h"]


def test_a_name_cannot_move_the_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    assert plain_table(("NAME",), [["a\x1b[2Jb\nc"]]) == ["NAME", "a?[2Jb?c"]
