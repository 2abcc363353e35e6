"""What is measured, and the table that shows it beside the reference."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

REFERENCE_FILE: Final = Path(__file__).with_name("reference.toml")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value.

    :param key: its row in ``reference.toml``, which says what it is and in what unit
    """

    key: str
    value: float


@dataclass(frozen=True, slots=True)
class Reference:
    """One row of ``reference.toml``.

    :param target: what the project wants to reach, None where nothing was promised
    """

    what: str
    unit: str
    is_more_better: bool
    reference: str
    target: float | None

    def verdict(self, value: float) -> str:
        """Return whether the target is reached; empty where there is none."""
        if self.target is None:
            return ""
        is_reached = value >= self.target if self.is_more_better else value <= self.target
        return "reached" if is_reached else "not reached"


def read_references(path: Path = REFERENCE_FILE) -> dict[str, Reference]:
    """Return the rows of the reference by key."""
    rows: Mapping[str, Mapping[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))
    return {
        key: Reference(row["what"], row["unit"], row["better"] == "more", row["reference"], row.get("target"))
        for key, row in rows.items()
    }


def table(figures: Iterable[Figure], references: Mapping[str, Reference]) -> str:
    """Return the figures as a table, in the order of the reference."""
    measured = {figure.key: figure.value for figure in figures}
    lines = [_line("", "OpenNebula 6.10.5", "target", "measured", "", "")]
    for key, row in references.items():
        if key in measured:
            value = measured[key]
            target = "" if row.target is None else short(row.target)
            lines.append(_line(row.what, row.reference, target, short(value), row.unit, row.verdict(value)))
    return "\n".join(lines)


def short(value: float) -> str:
    """Return the value with three significant digits, and thousands set apart."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _line(what: str, reference: str, target: str, measured: str, unit: str, verdict: str) -> str:
    return f"{what:<46}{reference:>18}{target:>9}{measured:>11} {unit:<8} {verdict}".rstrip()
