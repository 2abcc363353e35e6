from __future__ import annotations

from datetime import datetime

import pytest

from opennebula_core.cli.moments import moment_of

NOW = datetime(2028, 3, 1, 12, 30).timestamp()


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-24 14:15", datetime(2026, 11, 24, 14, 15)),
        ("2026-11-24T14:15:10", datetime(2026, 11, 24, 14, 15, 10)),
        ("2026-11-24", datetime(2026, 11, 24)),
        ("2026/11/24 14:15:10", datetime(2026, 11, 24, 14, 15, 10)),
        ("11/24/2026", datetime(2026, 11, 24)),
        ("11/24/2026 14:15", datetime(2026, 11, 24, 14, 15)),
        ("02/29 14:15", datetime(2028, 2, 29, 14, 15)),
        ("14:15", datetime(2028, 3, 1, 14, 15)),
        ("now", datetime(2028, 3, 1, 12, 30)),
    ],
)
def test_moments_as_people_write_them(text: str, moment: datetime) -> None:
    assert moment_of(text, NOW) == int(moment.timestamp())
    assert moment_of("1792400400") == 1_792_400_400


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "25:00", "12"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no moment"):
        moment_of(text, NOW)


@pytest.mark.parametrize("text", ["2026-11-24", "11/24/2026"])
def test_a_day_as_an_end_is_its_last_second(text: str) -> None:
    assert moment_of(text, NOW, at_end=True) == int(datetime(2026, 11, 24, 23, 59, 59).timestamp())
    assert moment_of(f"{text} 14:15", NOW, at_end=True) == int(datetime(2026, 11, 24, 14, 15).timestamp())


@pytest.mark.parametrize("text", ["9999-12-31", "0001-01-01", "9" * 5000])
def test_what_lies_outside_of_all_calendars_is_no_error_of_the_program(text: str) -> None:
    said = ""
    try:
        known = moment_of(text, NOW, at_end=True)
    except ValueError as error:  # which of them a machine knows depends on its zone
        said = str(error)
    assert text[:10] in said if said else (known > NOW) is text.startswith("9999")
