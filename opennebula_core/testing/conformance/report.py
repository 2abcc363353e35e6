"""The report: a line for each check, and what happened where one failed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from opennebula_core.testing.conformance.outcome import Outcome, Result
from opennebula_core.testing.conformance.subject import Subject

SIGNS: Final = {Result.PASSED: "ok  ", Result.FAILED: "FAIL", Result.SKIPPED: "skip"}
NAME_WIDTH: Final = 24


def heading(subject: Subject) -> str:
    """Return the line above a report."""
    return f"{subject.kind} driver: {' '.join(subject.command)}"


def lines_of(outcome: Outcome) -> list[str]:
    """Return what is said of a check."""
    took = f" ({outcome.duration_s:.1f} s)" if outcome.duration_s >= 1 else ""
    lines = [f"{SIGNS[outcome.result]}  {outcome.name:<{NAME_WIDTH}} {outcome.sentence}{took}"]
    if outcome.reason:
        lines.append(f"{'':6}skipped: {outcome.reason}")
    if outcome.result is Result.FAILED:
        lines += [f"{'':6}expected: {outcome.expected}", f"{'':6}seen:     {outcome.seen}"]
        lines += [f"{'':6}  {line}" for line in outcome.exchange]
    return lines


def summary(outcomes: Sequence[Outcome]) -> str:
    """Return the last line of a report."""
    counts = Counter(outcome.result for outcome in outcomes)
    took = sum(outcome.duration_s for outcome in outcomes)
    parts = [f"{counts[result]} {result}" for result in Result if counts[result] or result is Result.PASSED]
    return f"{', '.join(parts)}, in {took:.1f} s"


def is_kept(outcomes: Sequence[Outcome]) -> bool:
    """Whether the driver keeps the protocol: something was tried, and nothing failed or found no time."""
    results = {outcome.result for outcome in outcomes}
    is_cut_short = any(outcome.found_no_time for outcome in outcomes)
    return Result.PASSED in results and Result.FAILED not in results and not is_cut_short


def as_json(subject: Subject, outcomes: Sequence[Outcome]) -> str:
    """Return the report for programs."""
    counts = Counter(outcome.result for outcome in outcomes)
    document = {
        "kind": subject.kind,
        "command": list(subject.command),
        "actions": sorted(subject.described_actions),
        "kept": is_kept(outcomes),
        **{str(result): counts[result] for result in Result},
        "checks": [asdict(outcome) for outcome in outcomes],
    }
    return json.dumps(document, indent=2)
