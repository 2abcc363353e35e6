from __future__ import annotations

from opennebula_core.cli.roff import definitions, escaped, paragraphs


def test_what_would_be_a_request_is_text() -> None:
    assert escaped(".PP\nand \\n") == "\\&.PP\nand \\en"


def test_options_can_be_copied_from_a_page() -> None:
    assert escaped("--json") == "\\-\\-json"


def test_a_quote_at_the_start_of_a_line_is_no_request() -> None:
    assert escaped("'a'") == "\\(aqa\\(aq"


def test_paragraphs_are_kept_apart_and_joined_within() -> None:
    assert paragraphs("one\ntwo\n\nthree\n") == [".PP", "one two", ".PP", "three"]


def test_a_word_without_a_meaning_keeps_its_line() -> None:
    assert definitions([("a", "")]) == [".TP", "\\fBa\\fR", "\\&"]
