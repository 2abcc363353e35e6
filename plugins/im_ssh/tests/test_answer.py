from __future__ import annotations

import pytest

from opennebula_core.errors import DriverError
from opennebula_im_ssh.answer import MAX_ANSWER_CHARS, Answer, counter, number


def test_sections_have_their_lines_without_empty_ones() -> None:
    answer = Answer("--m a\none\n\ntwo\n--m b\n--m end\n", "--m")
    assert answer.lines("a") == ["one", "two"]
    assert answer.lines("b") == []


def test_a_section_that_was_begun_again_counts_from_there() -> None:
    assert Answer("--m a\nhalf\n--m a\nwhole\n--m end\n", "--m").lines("a") == ["whole"]


def test_a_line_that_only_looks_like_ours_is_an_ordinary_one() -> None:
    assert Answer("--m a\n--x end\n --m end\n--m end\n", "--m").lines("a") == ["--x end", " --m end"]


@pytest.mark.parametrize(
    "text", ["", "--m a\none\n", "--m en", "end"], ids=["empty", "cut", "cut mark", "no mark"]
)
def test_an_answer_without_its_end_is_refused(text: str) -> None:
    with pytest.raises(DriverError, match="it broke off"):
        Answer(text, "--m")


def test_an_endless_answer_is_refused() -> None:
    with pytest.raises(DriverError, match="over 8388608"):
        Answer("x" * (MAX_ANSWER_CHARS + 1), "--m")


def test_a_missing_section_is_named() -> None:
    with pytest.raises(DriverError, match="section clock: it is missing"):
        Answer("--m end\n", "--m").lines("clock")


def test_the_last_column_may_hold_blanks() -> None:
    assert list(Answer("--m a\n1 2 a path\n--m end\n", "--m").rows("a", 3)) == [["1", "2", "a path"]]


def test_a_line_with_too_few_columns_is_refused() -> None:
    with pytest.raises(DriverError, match="'1 2' has not 3 columns"):
        list(Answer("--m a\n1 2\n--m end\n", "--m").rows("a", 3))


@pytest.mark.parametrize("text", ["", "-1", "1e3", "0x10", "1 ", "１", "1" * 21, "nan"])
def test_what_is_no_plain_number_is_refused(text: str) -> None:
    with pytest.raises(DriverError, match="is no number"):
        number(text, "cpu")


def test_a_figure_that_libvirt_does_not_give_is_zero() -> None:
    assert counter({}, "cpu.time") == 0
