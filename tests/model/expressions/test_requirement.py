from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opennebula_core.errors import ExpressionError
from opennebula_core.model.expressions import (
    Always,
    And,
    Comparison,
    Not,
    Operator,
    Or,
    evaluate_requirement,
    parse_requirement,
    variables,
)

HOST = {
    "FREE_CPU": ["150"],
    "LOAD": ["0.75"],
    "ARCH": ["x86_64"],
    "NAME": ["node-7.rack2"],
    "EMPTY": [""],
    "CLUSTERS/ID": ["0", "100", "103"],
    "TAGS": ["fast", "ssd-disk"],
    "/HOST/ID": ["3"],
    "VERSION": ["2.11.5"],
    "NEGATIVE": ["-5"],
}


def lookup(name: str) -> Sequence[str]:
    return HOST.get(name, ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("  \t", True),
        ("FREE_CPU = 150", True),
        ("FREE_CPU=150", True),
        ("FREE_CPU != 150", False),
        ("FREE_CPU ! = 100", True),
        ("FREE_CPU > 149.5", True),
        ("FREE_CPU < 150", False),
        ("LOAD = 0.75", True),
        ("NEGATIVE < -4", True),
        ("NEGATIVE=-5", True),
        ('FREE_CPU = "1*"', True),
        ('ARCH = "x86*"', True),
        ('ARCH = "X86*"', False),
        ("ARCH = x86_64", True),
        ("ARCH != x86_64", False),
        ('NAME = "node-?.rack[12]"', True),
        ("ARCH = 5", False),
        ("ARCH > 5", False),
        ("ARCH != 5", False),
        ("VERSION > 2", True),
        ("MISSING = 1", False),
        ("MISSING != 1", False),
        ('MISSING != "x"', False),
        ("MISSING @> 1", False),
        ("!(MISSING = 1)", True),
        ('EMPTY = ""', False),
        ('EMPTY != ""', False),
        ('ARCH != ""', False),
        ('ARCH @> ""', False),
        ('EMPTY = "*"', True),
        ('"CLUSTERS/ID" @> 100', True),
        ('"CLUSTERS/ID" @> 1', False),
        ('"CLUSTERS/ID" = 100', False),
        ('TAGS @> "ssd*"', True),
        ('TAGS = "ssd*"', False),
        ('"/HOST/ID" = 3', True),
        ("FREE_CPU = 1 | FREE_CPU = 150 & ARCH = x86_64", True),
        ("FREE_CPU = 150 | FREE_CPU = 150 & ARCH = none", False),
        ("FREE_CPU = 150 | (FREE_CPU = 150 & ARCH = none)", True),
        ("!ARCH = none & FREE_CPU = 1", False),
        ("FREE_CPU = 150 & !ARCH = none | ARCH = none", True),
        ("!!(ARCH = x86_64)", True),
        ("(CLUSTER_ID = 0 | FREE_CPU > 1) & !(PUBLIC_CLOUD = YES) & !(PIN_POLICY = PINNED)", True),
    ],
)
def test_a_requirement_is_met_or_not(text: str, *, expected: bool) -> None:
    assert evaluate_requirement(parse_requirement(text), lookup) is expected


def test_a_chain_associates_to_the_left_without_precedence() -> None:
    a, b, c, d = (Comparison(name, Operator.EQUAL, 1.0) for name in "ABCD")

    assert parse_requirement("A=1 & B=1 | C=1 & !D=1") == And((Or((And((a, b)), c)), Not(d)))
    assert parse_requirement("A=1 & (B=1 | C=1)") == And((a, Or((b, c))))
    assert parse_requirement("") == Always()


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("A >= 5", 4),
        ("A <= 5", 4),
        ("A == 5", 4),
        ("A =~ x", 4),
        ("A = 5 && B = 1", 8),
        ("A", 2),
        ("A =", 4),
        ('A > "x"', 5),
        ("A < x", 5),
        ("A-5", 2),
        ("5 = A", 1),
        ("(A = 1", 7),
        ("A = 1)", 6),
        ("A = 1 B = 2", 7),
        ("& A = 1", 1),
        ('A = "open', 5),
        ("A = 10%", 7),
        ('"" = 1', 1),
        ("_A = 1", 1),
    ],
)
def test_a_broken_requirement_is_refused_with_the_column(text: str, column: int) -> None:
    with pytest.raises(ExpressionError, match=str(column)) as caught:
        parse_requirement(text)

    assert caught.value.column == column


@pytest.mark.parametrize(
    "text",
    ["(" * 50_000, "!" * 50_000 + "A=1", " & ".join(["A=1 | B=1"] * 50_000)],
    ids=["open", "not", "chain"],
)
def test_what_is_nested_too_deeply_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError, match="deep"):
        parse_requirement(text)


def test_a_list_of_very_many_hosts_is_no_deep_expression() -> None:
    before = time.process_time()
    tree = parse_requirement(" | ".join(f"ID = {number}" for number in range(20_000)))

    assert evaluate_requirement(tree, {"ID": ["19999"]}.__getitem__)
    assert time.process_time() - before < 2


def test_the_variables_of_a_tree_are_known() -> None:
    assert variables(parse_requirement('A=1 & !("B/C" @> 2 | A=3)')) == {"A", "B/C"}


@given(st.text(alphabet='ABx1.5-="!&|<>@()* \t%', max_size=30))
def test_any_text_parses_or_is_an_expression_error(text: str) -> None:
    try:
        tree = parse_requirement(text)
    except ExpressionError:
        return
    assert evaluate_requirement(tree, lookup) in (True, False)
