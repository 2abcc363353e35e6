"""Runs the checks of a driver, within their time, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from typing import Final

from opennebula_core.errors import OpenNebulaError
from opennebula_core.testing.conformance.bench import Bench
from opennebula_core.testing.conformance.checks import Check
from opennebula_core.testing.conformance.kinds.auth import AuthKind
from opennebula_core.testing.conformance.kinds.datastore import DatastoreKind
from opennebula_core.testing.conformance.kinds.im import ImKind
from opennebula_core.testing.conformance.kinds.kind import Kind
from opennebula_core.testing.conformance.kinds.tm import TmKind
from opennebula_core.testing.conformance.kinds.vmm import VmmKind
from opennebula_core.testing.conformance.kinds.vnm import VnmKind
from opennebula_core.testing.conformance.lines import line_checks
from opennebula_core.testing.conformance.outcome import (
    TIME_IS_UP,
    CheckFailedError,
    CheckSkippedError,
    Outcome,
    Result,
)
from opennebula_core.testing.conformance.starting import starting_checks
from opennebula_core.testing.conformance.subject import Subject
from opennebula_core.testing.conformance.working import first_check, working_checks

KIND_CLASSES: Final[Mapping[str, type[Kind]]] = {
    "vmm": VmmKind,
    "tm": TmKind,
    "im": ImKind,
    "vnm": VnmKind,
    "datastore": DatastoreKind,
    "auth": AuthKind,
}
SHOWN_LINES: Final = 12
FIRST: Final = "start.init"
ACTIONS: Final = "action."
AFTER_KILL: Final = "action.after-kill"
LAST: Final = Check(
    "end.all", "after all that it still ends well, and leaves no process", lambda bench: bench.end_shared()
)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which checks are made; an action's and the one that asks for it after a kill go together.

    :param patterns: with ``*`` and ``?``, of names or parts of names; none: all checks
    :param until_failure: none after the first that fails
    """

    patterns: Sequence[str] = ()
    until_failure: bool = False

    def has(self, check: Check) -> bool:
        """Whether a check is made."""
        return not self.patterns or any(fnmatch(check.name.lower(), f"*{p.lower()}*") for p in self.patterns)

    def of(self, checks: Sequence[Check]) -> list[Check]:
        """Return those that are made, of all in their order."""
        chosen = [check for check in checks if self.has(check)]
        if any(check.name == AFTER_KILL for check in chosen):
            return [check for check in checks if check in chosen or check.name.startswith(ACTIONS)]
        if any(check.name.startswith(ACTIONS) for check in chosen):
            return [check for check in checks if check in chosen or check.name == AFTER_KILL]
        return chosen


def checks_of(kind: Kind) -> list[Check]:
    """Return the checks of a kind in their order."""
    after_kill = Check(
        AFTER_KILL,
        "what was done before a kill is done, when it is asked again after it",
        kind.asked_after_kill,
    )
    actions = [*kind.checks(), after_kill]
    begin, *other = starting_checks(kind)
    return [begin, first_check(kind), *other, *actions, *line_checks(kind), *working_checks(kind), LAST]


def list_checks(subject: Subject) -> list[Check]:
    """Return the checks that there are, without making any."""
    bench = Bench(subject)
    try:
        return checks_of(KIND_CLASSES[subject.kind](bench))
    finally:
        bench.discard()


async def run(subject: Subject, selection: Selection, on_outcome: Callable[[Outcome], None]) -> list[Outcome]:
    """Make the checks one after the other, and tell each outcome at once.

    A driver that does not begin is asked for nothing more.
    """
    bench = Bench(subject)
    deadline = time.monotonic() + subject.limits.total
    outcomes: list[Outcome] = []
    reason = ""
    try:
        for check in selection.of(checks_of(KIND_CLASSES[subject.kind](bench))):
            if not reason and time.monotonic() > deadline:
                reason = _time_is_up(subject)
            outcome = _skipped(check, reason) if reason else await _make(check, bench, deadline)
            if check.name == FIRST and outcome.result is Result.FAILED:
                reason = "the driver does not begin"
            outcomes.append(outcome)
            on_outcome(outcome)
            if selection.until_failure and outcome.result is Result.FAILED:
                break
    finally:
        await bench.close()
    return outcomes


async def _make(check: Check, bench: Bench, deadline: float) -> Outcome:
    began = time.monotonic()
    limit_s = max(1.0, min(bench.subject.limits.check, deadline - began))
    bench.last = None
    bench.forget_exchange()
    outcome = Outcome(check.name, check.sentence, Result.PASSED)
    try:
        async with asyncio.timeout(limit_s):
            await check.run(bench)
            bench.raise_faults()
    except CheckFailedError as failure:
        outcome = _failed(outcome, bench, failure.expected, failure.seen)
    except CheckSkippedError as skipped:
        outcome = _skipped(check, str(skipped))
    except TimeoutError:
        if limit_s < bench.subject.limits.check:
            outcome = _skipped(check, _time_is_up(bench.subject))
        else:
            outcome = _failed(outcome, bench, f"the check to be done in {limit_s:.0f} s", "it goes on")
    except (OpenNebulaError, OSError) as error:
        outcome = _failed(outcome, bench, "a check that can be made", str(error))
    await bench.after(failed=outcome.result is Result.FAILED or outcome.found_no_time)
    return replace(outcome, duration_s=time.monotonic() - began)


def _failed(outcome: Outcome, bench: Bench, expected: str, seen: str) -> Outcome:
    exchange = bench.last.exchange[-SHOWN_LINES:] if bench.last is not None else []
    faults = bench.last.faults if bench.last is not None else []
    if faults and faults[0] not in seen:
        seen = f"{seen}; and {faults[0]}"
    return replace(outcome, result=Result.FAILED, expected=expected, seen=seen, exchange=tuple(exchange))


def _time_is_up(subject: Subject) -> str:
    return f"{TIME_IS_UP}, {subject.limits.total:g} s, is up; give more with --total"


def _skipped(check: Check, reason: str) -> Outcome:
    return Outcome(check.name, check.sentence, Result.SKIPPED, reason=reason)
