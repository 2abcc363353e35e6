from __future__ import annotations

import time

import pytest

from opennebula_core.errors import XmlError
from opennebula_core.model.elements import is_legal_text, legal_text, parse_element


def test_a_document_is_read_to_its_root_element() -> None:
    element = parse_element("<?xml version='1.0'?>\n<!-- made by hand -->\n<VM><ID>7</ID></VM>")

    assert element.tag == "VM"
    assert element.findtext("ID") == "7"


def test_a_doctype_inside_a_value_is_only_text() -> None:
    element = parse_element("<A><![CDATA[<!DOCTYPE html><html>]]></A>")

    assert element.text == "<!DOCTYPE html><html>"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<!DOCTYPE A [<!ENTITY b 'c'>]><A>&b;</A>", "document types"),
        ("<?xml version='1.0'?><!-- x --><!DOCTYPE A><A/>", "document types"),
        ("\ufeff<!DOCTYPE A><A/>", "document types"),
        ("", "begin with an element"),
        ("no XML", "begin with an element"),
        ("<A><B></A>", "mismatched tag"),
        ("<A/><B/>", "junk after document element"),
        ("<A>\x01</A>", "invalid token"),
        ("<A>\ud800</A>", "surrogates"),
        ("<A>" * 65 + "</A>" * 65, "64 deep"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_broken_or_dangerous_is_refused(text: str, reason: str) -> None:
    with pytest.raises(XmlError, match=reason):
        parse_element(text)


def test_a_text_beyond_the_limit_is_refused() -> None:
    with pytest.raises(XmlError, match="at most 10"):
        parse_element("<A>12345678</A>", max_chars=10)


@pytest.mark.parametrize(
    "text", ["<!--" + "-" * 200_000, "<?" + "?" * 200_000, " " * 200_000, "<A>" * 100_000]
)
def test_a_hostile_beginning_takes_linear_time(text: str) -> None:
    before = time.process_time()
    with pytest.raises(XmlError):
        parse_element(text)

    assert time.process_time() - before < 1.5


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("plain\t\r\n", "plain\t\r\n"),
        ("ünï \U0001f600", "ünï \U0001f600"),
        ("a\x00b\x1b", "a?b?"),
        ("ü\ud800\ufffe", "ü??"),
    ],
)
def test_what_xml_cannot_hold_becomes_a_question_mark(text: str, clean: str) -> None:
    assert legal_text(text) == clean
    assert is_legal_text(text) is (text == clean)
