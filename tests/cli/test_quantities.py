from __future__ import annotations

import pytest

from opennebula_core.cli.quantities import (
    date_text,
    kib_of,
    mib_of,
    moment_text,
    percent_of,
    period_text,
    share_text,
    size_text,
)


@pytest.mark.parametrize(
    ("kib", "text"),
    [(0, "0K"), (1, "1K"), (999, "999K"), (1024, "1M"), (1536, "1.5M"), (131072, "128M"), (3 << 30, "3T")],
)
def test_a_size_is_shown_with_the_unit_that_keeps_it_short(kib: int, text: str) -> None:
    assert size_text(kib) == text


@pytest.mark.parametrize(
    ("text", "kib"),
    [("512M", 512 << 10), ("2G", 2 << 20), ("2 GiB", 2 << 20), ("64", 64 << 10)],
)
def test_a_size_is_read_as_people_write_it(text: str, kib: float) -> None:
    assert kib_of(text) == kib


def test_what_is_no_size_is_refused() -> None:
    for text in ("", "many", "1X", "-"):
        with pytest.raises(ValueError, match="is no size"):
            kib_of(text)


def test_memory_is_whole_mebibytes() -> None:
    assert mib_of("1G") == 1024
    for text in ("0", "0.5M", "1K"):
        with pytest.raises(ValueError, match="no whole number of MiB"):
            mib_of(text)


def test_periods_and_moments_are_short() -> None:
    assert period_text(3 * 86400 + 4 * 3600 + 12 * 60 + 59) == "3d 04h12"
    assert period_text(-5) == "0d 00h00"
    assert (moment_text(0), date_text(0)) == ("-", "-")
    assert date_text(1).startswith(("1970", "1969"))


def test_a_share_of_nothing_has_no_percentage() -> None:
    assert share_text("1G", "4G", percent_of(1, 4)) == "1G / 4G (25%)"
    assert share_text("0", "0", percent_of(0, 0)) == "0 / 0"
