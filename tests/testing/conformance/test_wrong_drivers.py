"""The proof of the kit: a sound driver passes, and each of many wrong ones is found by the check for it."""

from __future__ import annotations

import asyncio
import re

import pytest

from opennebula_core.testing.conformance.outcome import Outcome, Result
from opennebula_core.testing.conformance.runner import Selection, run
from opennebula_core.testing.conformance.subject import Limits

from .faults import FAULTS, faults_of
from .small_drivers import SMALL, SUBJECTS, small_driver

AT_A_TIME = 6
PATIENT = Limits(answer=20, end=10, check=60, total=120)
"""For the sound one: a busy machine is no fault of its."""

BRISK = Limits(answer=2, end=2, check=10, total=30)


def shown(outcome: Outcome) -> str:
    return f"{outcome.name}: expected {outcome.expected}; seen: {outcome.seen}\n" + "\n".join(
        outcome.exchange
    )


async def test_sound_drivers_pass() -> None:
    runs = (run(small_driver(kind, limits=PATIENT), Selection(), lambda _: None) for kind in SUBJECTS)
    outcomes = [outcome for each in await asyncio.gather(*runs) for outcome in each]

    assert not [shown(outcome) for outcome in outcomes if outcome.result is Result.FAILED]
    skipped = [outcome for outcome in outcomes if outcome.result is Result.SKIPPED]
    assert not [each for each in skipped if "does not declare" not in each.reason]


async def found(kind: str, fault: str, check: str, gate: asyncio.Semaphore) -> str:
    """Return what is to be said of a fault that the check did not find; empty when it did."""
    async with gate:
        outcomes = await run(
            small_driver(kind, fault, limits=BRISK), Selection((check,), True), lambda _: None
        )
    failed = [outcome.name for outcome in outcomes if outcome.result is Result.FAILED]
    return "" if failed == [check] else f"{kind} {fault}: {failed or 'nothing'} instead of {check}"


@pytest.mark.parametrize("kind", FAULTS)
async def test_a_wrong_driver_is_found(kind: str) -> None:
    gate = asyncio.Semaphore(AT_A_TIME)

    missed = await asyncio.gather(
        *(found(kind, fault, check, gate) for fault, check in faults_of(kind).items())
    )

    assert not [each for each in missed if each]


def test_every_fault_of_the_small_driver_is_tried() -> None:
    source = "".join(path.read_text() for path in SMALL.glob("*.py"))
    known = set(re.findall(r'has\("([a-z0-9-]+)"\)|second_fails="([a-z-]+)"', source))

    tried = [fault for kind in FAULTS for fault in faults_of(kind)]
    assert {one or other for one, other in known} == set(tried)
    assert len(tried) == len(set(tried)) > 100
