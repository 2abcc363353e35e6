"""Figures over time drawn with characters: one plot is a few lines of a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from opennebula_core.cli.quantities import moment_text

HEIGHT: Final = 8
LABEL_WIDTH: Final = 10
MARK: Final = "*"
BELOW: Final = ":"
DEFAULT_WIDTH: Final = 80
"""Characters a line where the terminal says nothing."""

Sample = tuple[int, float]
"""Seconds of the epoch, and what was measured then."""


def plot(title: str, samples: Sequence[Sample], width: int = DEFAULT_WIDTH) -> list[str]:
    """Return the lines of a plot: time to the right, the mean of what falls on a column upwards.

    Columns in which nothing was measured stay empty, so that a gap looks like one.

    :param samples: from the oldest on
    :param width: characters that a line may have
    """
    if not samples:
        return [f"{title}: nothing was measured"]
    columns = max(width - LABEL_WIDTH - 3, 10)
    means = _means(samples, columns)
    values = [mean for mean in means if mean is not None]
    low, high = min(values), max(values)
    levels = [None if mean is None else _level(mean, low, high) for mean in means]
    lines = [title]
    for row in range(HEIGHT - 1, -1, -1):
        label = _number(low + (high - low) * row / (HEIGHT - 1)) if row in (0, HEIGHT - 1) else ""
        marks = "".join(_mark(level, row) for level in levels)
        lines.append(f"{label:>{LABEL_WIDTH}} | {marks}".rstrip())
    lines.append(f"{'':{LABEL_WIDTH}} +{'-' * (columns + 1)}")
    first, last = moment_text(samples[0][0]), moment_text(samples[-1][0])
    lines.append(f"{'':{LABEL_WIDTH}}   {first}{last:>{max(columns - len(first), len(last) + 1)}}")
    return lines


def _means(samples: Sequence[Sample], columns: int) -> list[float | None]:
    """Return the mean of each column's samples, None where there are none."""
    begin, end = samples[0][0], samples[-1][0]
    period = max(end - begin, 1)
    sums, counts = [0.0] * columns, [0] * columns
    for at, value in samples:
        column = min((at - begin) * columns // period, columns - 1)
        sums[column] += value
        counts[column] += 1
    return [total / count if count else None for total, count in zip(sums, counts, strict=True)]


def _level(value: float, low: float, high: float) -> int:
    """Return the row of a value, 0 at the bottom; what never changes is drawn there."""
    return round((value - low) / (high - low) * (HEIGHT - 1)) if high > low else 0


def _mark(level: int | None, row: int) -> str:
    if level is None or row > level:
        return " "
    return MARK if row == level else BELOW


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"
