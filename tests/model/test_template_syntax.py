from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opennebula_core.errors import TemplateError
from opennebula_core.model.template_syntax import Value, Vector, render, scan

NAMES = st.from_regex(r"[A-WYZ_][A-Z0-9_]{0,12}", fullmatch=True)
# What the syntax cannot write: see render.
TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cn"), include_characters='\t\n"\\[]=,#'), max_size=40
).filter(lambda text: "]]>" not in text and not text.endswith("\\"))
VECTORS = st.dictionaries(NAMES, TEXTS, min_size=1, max_size=4).map(Vector)
ATTRIBUTES = st.lists(st.tuples(NAMES, st.one_of(TEXTS, VECTORS)), max_size=8)


@pytest.mark.parametrize(
    ("text", "attributes"),
    [
        ("", []),
        ("\n  \t\n", []),
        ('NAME = "web"', [("NAME", "web")]),
        ("memory=512\n", [("MEMORY", "512")]),
        ("# comment\nA=1 # behind a value\n", [("A", "1")]),
        ('A="1" B="2"', [("A", "1"), ("B", "2")]),
        ("A=\nB=1", [("A", ""), ("B", "1")]),
        ("A= \nB=1", [("A", ""), ("B", "1")]),
        ('A=""', [("A", "")]),
        ('A="two\nlines # , = [ ]"', [("A", "two\nlines # , = [ ]")]),
        (r'A="say \"hi\""', [("A", 'say "hi"')]),
        (r'A="C:\dir \\x"', [("A", r"C:\dir \\x")]),
        (r'A="ends in \"', [("A", "ends in \\")]),
        (r'A="x\" B=" C=1', [("A", 'x" B='), ("C", "1")]),
        ("A='b'", [("A", "'b'")]),
        ('A=b"c', [("A", 'b"c')]),
        ('A=" x "', [("A", " x ")]),
        ('DISK=[IMAGE_ID=3,dev_prefix = "vd"]', [("DISK", {"IMAGE_ID": "3", "DEV_PREFIX": "vd"})]),
        ("D=[\n A=1 , # one, B=9\n\n B=2\n ]\nE=1", [("D", {"A": "1", "B": "2"}), ("E", "1")]),
        ("D=[a=1,A=2]", [("D", {"A": "1"})]),
        ("D=[]", [("D", {})]),
        ('D=[k=""]', [("D", {"K": ""})]),
        ("D=[a=1]D=[a=2]", [("D", {"A": "1"}), ("D", {"A": "2"})]),
        (
            "1A=x xml_b=y Xml=z A=[2=3]",
            [("ONE_1A", "x"), ("ONE_XML_B", "y"), ("ONE_XML", "z"), ("A", {"ONE_2": "3"})],
        ),
        ('A=1\r\nB="2"\r\nC=[D=3,\r\n E=4]\r\n', [("A", "1"), ("B", "2"), ("C", {"D": "3", "E": "4"})]),
        ("A=ünïcode", [("A", "ünïcode")]),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_scan_reads(text: str, attributes: list[tuple[str, Value]]) -> None:
    assert scan(text) == attributes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A-B=1", "syntax error, unexpected '-', expecting EQUAL or EQUAL_EMPTY at line 1, columns 2:2"),
        (
            "A=b c",
            "syntax error, unexpected end of file, expecting EQUAL or EQUAL_EMPTY at line 1, columns 6:6",
        ),
        (
            "A=a#b",
            "syntax error, unexpected comment without line end, expecting VARIABLE at line 1, columns 4:5",
        ),
        ("A=b=c", "syntax error, unexpected EQUAL, expecting VARIABLE at line 1, columns 4:4"),
        (
            'A="x"B="y"',
            "syntax error, unexpected open quote, expecting OBRACKET or STRING at line 1, columns 3:3",
        ),
        ('A="1",B="2"', "syntax error, unexpected COMMA, expecting VARIABLE at line 1, columns 6:6"),
        (
            "B=1\nA=",
            "syntax error, unexpected end of file, expecting OBRACKET or STRING at line 2, columns 3:3",
        ),
        ("A=[k=]", "syntax error, unexpected CBRACKET, expecting STRING at line 1, columns 6:6"),
        ("A=[k=1,]", "syntax error, unexpected CBRACKET, expecting VARIABLE at line 1, columns 8:8"),
        ("A=[k=[a=1]]", "syntax error, unexpected OBRACKET, expecting STRING at line 1, columns 6:6"),
        (
            "A=[k=1",
            "syntax error, unexpected end of file, expecting COMMA or CBRACKET at line 1, columns 7:7",
        ),
        (
            "A=[\n  k=1\n  j=2]",
            "syntax error, unexpected VARIABLE, expecting COMMA or CBRACKET at line 3, columns 3:3",
        ),
        (
            "A=1\n# the end",
            "syntax error, unexpected comment without line end, expecting VARIABLE at line 2, columns 1:9",
        ),
        (
            'A="abc',
            "syntax error, unexpected open quote, expecting OBRACKET or STRING at line 1, columns 3:3",
        ),
        ("  <A>", "syntax error, unexpected '<', expecting VARIABLE at line 1, columns 3:3"),
        ('A="x\n]]>"', "']]>' cannot be part of a value, at line 2, column 1"),
        ('A="\x1b[1m"', "character U+001B is not allowed, at line 1, column 4"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_scan_refuses_and_says_where(text: str, message: str) -> None:
    with pytest.raises(TemplateError, match=f"^{re.escape(message)}$") as caught:
        scan(text)

    assert caught.value.line >= 1


@given(ATTRIBUTES)
def test_what_render_writes_scan_reads(attributes: list[tuple[str, Value]]) -> None:
    assert scan(render(attributes)) == attributes


@given(st.text(max_size=60))
def test_scan_of_any_text_ends_in_attributes_or_a_template_error(text: str) -> None:
    try:
        found = scan(text)
    except TemplateError:
        found = []
    assert all(name == name.upper() for name, _ in found)


def test_a_value_that_ends_in_a_backslash_is_written_bare_when_it_can_be() -> None:
    assert scan(render([("A", "C:\\"), ("B", '"x\\'), ("C", "1")])) == [
        ("A", "C:\\"),
        ("B", '"x\\'),
        ("C", "1"),
    ]


def test_a_value_with_blanks_that_ends_in_a_backslash_gets_a_blank() -> None:
    assert scan(render([("A", "a b\\"), ("C", '"')])) == [("A", "a b\\ "), ("C", '"')]


def test_render_writes_vectors_on_several_lines_and_leaves_empty_ones_out() -> None:
    text = render([("A", 'x"y'), ("D", Vector(B="1", C="2")), ("E", Vector())])

    assert text == 'A="x\\"y"\nD=[\n  B="1",\n  C="2" ]\n'


@pytest.mark.parametrize(
    "text",
    [
        "A=[" + "k=1," * 50_000,
        " " * 200_000 + "!",
        "#\n" * 100_000 + "#",
        'A="' + '\\"' * 100_000 + "x",
        "A=1 " * 50_000 + "=",
    ],
    ids=["open vector", "blanks", "comments", "open quote", "attributes"],
)
def test_a_hostile_text_takes_linear_time(text: str) -> None:
    before = time.process_time()
    with pytest.raises(TemplateError):
        scan(text)

    assert time.process_time() - before < 1.5
