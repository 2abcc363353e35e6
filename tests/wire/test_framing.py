from __future__ import annotations

import pytest

from opennebula_core.wire.framing import (
    Answer,
    LineSplitter,
    LogLine,
    RequestLine,
    flatten,
    format_answer,
    format_log,
    parse_answer,
    parse_request,
)

ANSWERS = {
    "plain": ("DEPLOY SUCCESS 7 one-7", Answer("DEPLOY", "SUCCESS", 7, "one-7")),
    "blanks in the rest": ("CANCEL FAILURE 7 a  b c", Answer("CANCEL", "FAILURE", 7, "a  b c")),
    "runs of blanks": ("POLL SUCCESS 7  STATE=a", Answer("POLL", "SUCCESS", 7, "STATE=a")),
    "no rest": ("CLEANUP SUCCESS 7 ", Answer("CLEANUP", "SUCCESS", 7, "")),
    "trailing blank": ("CLONE SUCCESS 5 /srv/x ", Answer("CLONE", "SUCCESS", 5, "/srv/x")),
    "no id": ("INIT SUCCESS - -", Answer("INIT", "SUCCESS", -1, "-")),
    "negative id": ("X SUCCESS -1 a", Answer("X", "SUCCESS", -1, "a")),
    "odd result": ("DELETE 0 3 ", Answer("DELETE", "0", 3, "")),
}
LOGS = {
    "2.x": ("LOG - 7 ExitCode: 1", LogLine("-", 7, "ExitCode: 1")),
    "3.x": ("LOG E 7 no domain", LogLine("E", 7, "no domain")),
    "no object": ("LOG I -1 clone: Cloning", LogLine("I", -1, "clone: Cloning")),
    "id is a dash": ("LOG I - text here", LogLine("I", -1, "text here")),
    "id is no number": ("LOG I seven text", LogLine("I", -1, "seven text")),
    "no text": ("LOG D 7", LogLine("D", 7, "")),
}


@pytest.mark.parametrize(("line", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_three_words_and_the_rest(line: str, expected: Answer) -> None:
    assert parse_answer(line) == expected


@pytest.mark.parametrize(("line", "expected"), LOGS.values(), ids=LOGS)
def test_a_log_line_has_any_severity_and_any_id(line: str, expected: LogLine) -> None:
    assert parse_answer(line) == expected


@pytest.mark.parametrize("line", ["", "   ", "MONITOR  0 ", "rubbish", "two words", "DEPLOY SUCCESS seven x"])
def test_what_is_no_answer_is_none(line: str) -> None:
    assert parse_answer(line) is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("DEPLOY 7 b64", RequestLine("DEPLOY", 7, ("b64",))),
        ("DEPLOY  7 b64", RequestLine("DEPLOY", 7, ("b64",))),
        ("START_MONITOR - 3 0 packed", RequestLine("START_MONITOR", 3, ("0", "packed"))),
        ("poll 7 host01 one-7 -", RequestLine("POLL", 7, ("host01", "one-7", "-"))),
        ("DRIVER_CANCEL  0 ", RequestLine("DRIVER_CANCEL", 0, ())),
        (
            "AUTHENTICATE  0 -1 dummy bob - x ",
            RequestLine("AUTHENTICATE", 0, ("-1", "dummy", "bob", "-", "x")),
        ),
        ("INIT", RequestLine("INIT", -1, ())),
        ("FINALIZE", RequestLine("FINALIZE", -1, ())),
    ],
)
def test_a_request_is_read_in_the_forms_of_all_releases(line: str, expected: RequestLine) -> None:
    assert parse_request(line) == expected


@pytest.mark.parametrize("line", ["", "  ", "DEPLOY", "DEPLOY seven x", "EXECUTE PEhPT0s="])
def test_a_request_without_an_id_is_none(line: str) -> None:
    assert parse_request(line) is None


def test_an_answer_never_holds_a_line_feed() -> None:
    line = format_answer("DEPLOY", success=False, object_id=7, info="first\nsecond\r\nthird")

    assert line == "DEPLOY FAILURE 7 first second  third"


def test_an_answer_without_info_has_a_dash() -> None:
    assert format_answer("SAVE", success=True, object_id=7) == "SAVE SUCCESS 7 -"


def test_a_text_of_several_lines_becomes_several_log_lines() -> None:
    assert format_log("E", 7, "one\n\ntwo\n") == ["LOG E 7 one", "LOG E 7 two"]


def test_control_characters_do_not_reach_the_line() -> None:
    assert flatten("a\x1b[2Jb\x00c\u2028d") == "a [2Jb c d"


def test_lines_are_cut_wherever_the_pieces_end() -> None:
    splitter = LineSplitter()

    assert splitter.feed(b"DEPLOY SUC") == []
    assert splitter.feed("CESS 7 é".encode()[:-1]) == []
    assert splitter.feed("é".encode()[1:] + b"\nnext\r\nlast") == ["DEPLOY SUCCESS 7 é", "next"]
    assert splitter.feed(b"\n") == ["last"]


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    assert LineSplitter().feed(b"LOG I 7 \xff\xfe\n") == ["LOG I 7 ��"]


def test_a_line_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opennebula_core.wire.framing.MAX_LINE_BYTES", 100)
    splitter = LineSplitter()
    splitter.feed(b"x" * 60)

    with pytest.raises(ValueError, match="longer than 100 bytes"):
        splitter.feed(b"x" * 60)
