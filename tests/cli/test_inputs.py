from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest

from opennebula_core.cli.inputs import InputError, UserInput, answers, declared_inputs, parse_inputs


def test_inputs_come_in_the_order_that_the_template_says() -> None:
    template = fromstring(
        "<TEMPLATE><USER_INPUTS><A>O|text|First</A><B>M|number|Second||7</B><C>O|boolean</C></USER_INPUTS>"
        "<INPUTS_ORDER>B,A</INPUTS_ORDER></TEMPLATE>"
    )

    found = declared_inputs(template)

    assert [item.name for item in found] == ["B", "A", "C"]
    assert found[0] == UserInput("B", True, "number", "Second", "", "7")


def test_a_template_without_inputs_has_none() -> None:
    assert declared_inputs(fromstring("<TEMPLATE/>")) == []
    assert declared_inputs(None) == []


@pytest.mark.parametrize(
    ("declared", "value", "taken"),
    [
        ("M|text|T", "a, b", "a, b"),
        ("M|text64|T", "a", "YQ=="),
        ("M|number|T", "-3", "-3"),
        ("M|number-float|T", "0.5", "0.5"),
        ("M|range|T|1..4", "4", "4"),
        ("M|range|T|-2..x", "7", "7"),
        ("M|range|T|-2..3", "-2", "-2"),
        ("M|range-float|T|0.1..0.4", "0.25", "0.25"),
        ("M|list|T|a,b", "b", "b"),
        ("M|list-multiple|T|a,b,c", "a,c", "a,c"),
        ("M|boolean|T", "yes", "YES"),
        ("M|fixed|T||x", "x", "x"),
    ],
)
def test_what_an_input_takes(declared: str, value: str, taken: str) -> None:
    assert UserInput.parse("I", declared).checked(value) == taken


@pytest.mark.parametrize(
    ("declared", "value", "why"),
    [
        ("M|number|T", "1.5", "is no whole number"),
        ("M|range|T|1..4", "5", "is not within 1..4"),
        ("M|list|T|a,b", "c", "is none of a, b"),
        ("M|list-multiple|T|a,b", "a,c", "is none of a, b"),
        ("M|boolean|T", "maybe", "is neither YES nor NO"),
        ("M|fixed|T||x", "y", "is always 'x'"),
    ],
)
def test_what_an_input_does_not_take(declared: str, value: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        UserInput.parse("I", declared).checked(value)


def test_words_may_give_several_inputs_with_commas_in_them() -> None:
    assert parse_inputs(("a=1,B=x, y,c=3", "D=")) == {"A": "1", "B": "x, y", "C": "3", "D": ""}


def test_defaults_fill_in_and_what_is_needed_is_asked_for_by_name() -> None:
    inputs = [UserInput.parse("A", "O|text|One||1"), UserInput.parse("B", "M|text|Title")]

    assert answers(inputs, {"B": "x"}, may_ask=False) == {"A": "1", "B": "x"}
    with pytest.raises(InputError, match=r"input B \(Title\) is needed"):
        answers(inputs, {}, may_ask=False)
