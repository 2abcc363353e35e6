from __future__ import annotations

from datetime import UTC, datetime

import pytest

from opennebula_core.errors import TemplateError
from opennebula_sched_haizea.slottable import FOREVER
from opennebula_sched_haizea.terms import LeaseKind, parse_duration, parse_start, parse_terms

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "kind", "start_s"),
    [
        ("now", LeaseKind.IMMEDIATE, 0.0),
        ("best_effort", LeaseKind.BEST_EFFORT, 0.0),
        ("Best_Effort", LeaseKind.BEST_EFFORT, 0.0),
        ("+00:30:00", LeaseKind.ADVANCE, NOON + 1800),
        ("+1:00:00:05", LeaseKind.ADVANCE, NOON + 86405),
        ("2024-05-01 13:00:00+00:00", LeaseKind.ADVANCE, NOON + 3600),
        (f"{NOON:.0f}", LeaseKind.ADVANCE, NOON),
    ],
)
def test_a_start_makes_the_kind_of_the_lease(text: str, kind: LeaseKind, start_s: float) -> None:
    assert parse_start(text, NOON) == (kind, start_s)


def test_a_time_without_offset_is_local() -> None:
    local = datetime(2024, 5, 1, 14, 30)
    assert parse_start("2024-05-01 14:30:00", NOON) == (LeaseKind.ADVANCE, local.timestamp())


@pytest.mark.parametrize("text", ["soon", "+30", "+00:99:00", "2024-13-01 00:00:00", "+-1:00:00", "-5"])
def test_a_start_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(TemplateError, match="read START of HAIZEA"):
        parse_start(text, NOON)


@pytest.mark.parametrize(
    ("text", "duration_s"),
    [("01:00:00", 3600), ("0:0:5", 5), ("2:00:00:00", 172800), ("90", 90), ("unlimited", FOREVER)],
)
def test_a_duration_is_read(text: str, duration_s: float) -> None:
    assert parse_duration(text) == duration_s


@pytest.mark.parametrize("text", ["00:00:00", "0", "", "an hour", "-01:00:00", "1:99:00"])
def test_a_duration_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(TemplateError, match="read DURATION of HAIZEA"):
        parse_duration(text)


def test_what_is_not_said_has_defaults() -> None:
    terms = parse_terms(None, NOON, "best_effort", "unlimited")
    assert (terms.kind, terms.duration_s, terms.is_preemptible, terms.group) == (
        LeaseKind.BEST_EFFORT,
        FOREVER,
        False,
        "",
    )


def test_every_key_is_read() -> None:
    asked = {"START": "now", "DURATION": "60", "PREEMPTIBLE": "yes", "GROUP": "web", "GROUP_SIZE": "3"}
    terms = parse_terms(asked, NOON, "best_effort", "unlimited")
    assert (terms.kind, terms.duration_s) == (LeaseKind.IMMEDIATE, 60.0)
    assert (terms.is_preemptible, terms.group, terms.group_size) == (True, "web", 3)


@pytest.mark.parametrize("size", ["0", "many", "-1", "1.5"])
def test_a_group_size_that_is_none_is_refused(size: str) -> None:
    with pytest.raises(TemplateError, match="GROUP_SIZE"):
        parse_terms({"GROUP": "web", "GROUP_SIZE": size}, NOON, "now", "unlimited")
