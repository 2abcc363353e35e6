from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opennebula_core.errors import DriverError
from opennebula_core.wire.dialects.auth import AuthDialect
from opennebula_core.wire.framing import LogLine, parse_answer
from opennebula_core.wire.requests import AuthRequest

ALICE = AuthRequest(0, 1, "plain", "alice", "pwhash", "pwhash")


@pytest.mark.parametrize(
    ("release", "line"),
    [
        ((3, 0), "AUTHENTICATE 0 1 alice pwhash plain:pwhash"),
        ((3, 8), "AUTHENTICATE 0 1 plain alice pwhash pwhash"),
        ((6, 10), "AUTHENTICATE  0 1 plain alice pwhash cHdoYXNo "),
    ],
)
def test_requests_are_the_recorded_ones_to_the_letter(
    release: tuple[int, int], line: str, transcript: Callable[[str], Any]
) -> None:
    assert AuthDialect(release).encode(ALICE) == line
    assert line in transcript(f"{release[0]}.{release[1]}-auth").requests


def test_the_request_of_the_6_10_core_is_ours(transcript: Callable[[str], Any]) -> None:
    line = transcript("6.10.5-core-requests").first("AUTHENTICATE")

    assert AuthDialect((6, 10)).encode(AuthRequest(0, 2, "dummy", "bob", "x", "secret")) == line


@pytest.mark.parametrize("name", ["3.0-auth", "3.8-auth", "6.10-auth", "7.4-auth"])
def test_all_recorded_answers_are_understood(name: str, transcript: Callable[[str], Any]) -> None:
    for line in transcript(name).answers:
        parsed = parse_answer(line)
        assert parsed is not None
        if not isinstance(parsed, LogLine):
            reply = AuthDialect().decode(ALICE, parsed)
            assert reply.success == (line.split()[1] == "SUCCESS")


def test_a_secret_with_a_blank_goes_in_base64_only() -> None:
    request = AuthRequest(0, 1, "plain", "alice", "pwhash", "two words")

    assert AuthDialect((6, 10)).encode(request) == "AUTHENTICATE  0 1 plain alice pwhash dHdvIHdvcmRz "
    with pytest.raises(DriverError, match="hold a blank") as raised:
        AuthDialect((3, 8)).encode(request)
    assert "two words" not in str(raised.value)
