from __future__ import annotations

import time

import pytest

from opennebula_core.model.expressions import compile_pattern


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("abc", "abc", True),
        ("abc", "abcd", False),
        ("abc", "ABC", False),
        ("a*c", "abbbc", True),
        ("a*c", "ac", True),
        ("*", "", True),
        ("a**b", "a/b", True),
        ("*a*b*", "xxaxxbxx", True),
        ("*ab", "abab", True),
        ("a?c", "a\nc", True),
        ("a?c", "ac", False),
        ("[a-c]x", "bx", True),
        ("[!a-c]x", "bx", False),
        ("[^a-c]x", "dx", True),
        ("[]x]", "]", True),
        ("[a-]", "-", True),
        ("[c-a]", "b", False),
        ("[!c-a]", "b", True),
        ("[ab", "[ab", True),
        (r"a\*b", "a*b", True),
        (r"a\*b", "axb", False),
        (r"[\]]", "]", True),
        ("a.b", "axb", False),
        ("(a|b)+$", "(a|b)+$", True),
        ("", "", True),
    ],
)
def test_a_shell_pattern_matches_the_whole_text(pattern: str, text: str, *, matches: bool) -> None:
    assert (compile_pattern(pattern).match(text) is not None) is matches


@pytest.mark.parametrize(
    "pattern", ["*a" * 500 + "b", "[" * 50_000, "*" * 50_000 + "b", "[a-" * 10_000 + "]"]
)
def test_a_hostile_pattern_takes_no_more_than_length_times_length(pattern: str) -> None:
    before = time.process_time()

    compile_pattern(pattern).match("a" * 5_000)

    assert time.process_time() - before < 2
