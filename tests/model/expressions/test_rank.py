from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opennebula_core.errors import ExpressionError
from opennebula_core.model.expressions import (
    Arithmetic,
    Constant,
    Negated,
    Variable,
    evaluate_rank,
    parse_rank,
    to_rank,
    variables,
)

HOST = {"FREE_CPU": ["150", "7"], "RUNNING_VMS": ["3"], "LOAD": ["0.75"], "ARCH": ["x86"], "ZERO": ["0"]}


def lookup(name: str) -> Sequence[str]:
    return HOST.get(name, ())


@pytest.mark.parametrize(
    ("text", "rank"),
    [
        ("", 0),
        ("FREE_CPU", 150),
        ('"FREE_CPU"', 150),
        ("- RUNNING_VMS", -3),
        ("-5", -5),
        ("- -5", 5),
        ("FREE_CPU - 5", 145),
        ("FREE_CPU - 10 * RUNNING_VMS", 120),
        ("(FREE_CPU - 10) * RUNNING_VMS", 420),
        ("FREE_CPU / 4", 37),
        ("- FREE_CPU / 4", -37),
        ("LOAD * 2.5", 1),
        ("10 - 3 - 2", 5),
        ("100 / 5 / 2", 10),
        ("12 / - 2 * 3", -2),
        ("MISSING + 1", 1),
        ("ARCH + 1", 1),
        ("1 / ZERO", 2**31 - 1),
        ("- 1 / ZERO", -(2**31)),
        ("0 / ZERO", 0),
        ("1 / ZERO - 1 / ZERO", 0),
        ("FREE_CPU * 1000000000", 2**31 - 1),
    ],
)
def test_a_rank_is_worked_out(text: str, rank: int) -> None:
    assert evaluate_rank(parse_rank(text), lookup) == rank


def test_a_minus_in_front_takes_the_whole_product() -> None:
    product = Arithmetic("*", Variable("A"), Constant(2.0))

    assert parse_rank("- A * 2 + 1") == Arithmetic("+", Negated(product), Constant(1.0))


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("FREE_CPU-5", 9),
        ("FREE_CPU -5", 10),
        ("FREE_CPU +", 11),
        ("* 2", 1),
        ("(1", 3),
        ("1)", 2),
        ("A = 1", 3),
        ("2 ^ 3", 3),
        ("A B", 3),
        ("1,5", 2),
    ],
)
def test_a_broken_rank_is_refused_with_the_column(text: str, column: int) -> None:
    with pytest.raises(ExpressionError, match=str(column)) as caught:
        parse_rank(text)

    assert caught.value.column == column


@pytest.mark.parametrize("text", ["(" * 50_000, "- " * 50_000 + "A", " + ".join(["A"] * 50_000)])
def test_what_is_nested_too_deeply_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError, match="deep"):
        parse_rank(text)


def test_the_variables_of_a_rank_are_known() -> None:
    assert variables(parse_rank("- A * (B + 2) / A")) == {"A", "B"}


@pytest.mark.parametrize(
    ("value", "rank"), [(1.9, 1), (-1.9, -1), (float("nan"), 0), (float("inf"), 2**31 - 1)]
)
def test_a_value_is_truncated_to_a_rank(value: float, rank: int) -> None:
    assert to_rank(value) == rank


@given(st.text(alphabet="ABF1.5-+*/() \t", max_size=30))
def test_any_text_parses_or_is_an_expression_error(text: str) -> None:
    try:
        tree = parse_rank(text)
    except ExpressionError:
        return
    assert isinstance(evaluate_rank(tree, lookup), int)
