from __future__ import annotations

import pytest

from opennebula_core.cli.plots import BELOW, HEIGHT, LABEL_WIDTH, MARK, plot


def drawn(lines: list[str]) -> list[str]:
    """Return the rows of a plot from the top, without their labels."""
    return [line[LABEL_WIDTH + 3 :] for line in lines[1 : HEIGHT + 1]]


def test_what_rises_is_drawn_from_the_lower_left_to_the_upper_right() -> None:
    lines = plot("CPU", [(second, float(second)) for second in range(8)], width=LABEL_WIDTH + 3 + 16)
    rows = drawn(lines)

    assert lines[0] == "CPU"
    assert [row.index(MARK) for row in rows] == sorted((row.index(MARK) for row in rows), reverse=True)
    assert rows[-1].startswith(MARK)
    assert set(rows[-1]) <= {MARK, BELOW, " "}
    assert lines[1].split("|")[0].strip() == "7"
    assert lines[HEIGHT].split("|")[0].strip() == "0"


def test_a_gap_in_the_samples_is_a_gap_in_the_plot() -> None:
    lines = plot("CPU", [(0, 1.0), (1, 1.0), (99, 1.0)], width=LABEL_WIDTH + 3 + 20)

    assert drawn(lines)[-1].strip().split() == [MARK, MARK]


@pytest.mark.parametrize("width", [20, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = plot("NETRX", [(1_790_000_000 + second, second % 17 * 1e9) for second in range(500)], width)

    assert max(map(len, lines)) <= max(width, 60)


def test_without_samples_the_plot_says_so() -> None:
    assert plot("CPU", []) == ["CPU: nothing was measured"]
