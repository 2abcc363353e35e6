"""One round from decisions to calls: book, dispatch, and go on with the next host after a refusal."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

from opennebula_core.contracts.scheduler import (
    Call,
    Decision,
    Migration,
    Placement,
    Round,
    SchedulerPolicy,
    Unplaced,
)
from opennebula_core.errors import OpenNebulaError
from opennebula_core.scheduling.dispatcher import Caller, Outcome, outcome_of
from opennebula_core.scheduling.messages import is_told, update_text

LOG = logging.getLogger(__name__)

MOST_REFUSALS: Final = 5
"""Hosts tried for one VM in one round; what the core refuses that often it will refuse on every host."""

TELL_AGAIN_S: Final = 10.0
"""A message that changes is written no more often: each one is a change of the VM, which wakes everybody."""


@dataclass(slots=True)
class Summary:
    """What a round came to.

    :param decisions: in order, without placements that the core refused
    """

    decisions: list[Decision] = field(default_factory=list)
    placed: list[Placement | Migration] = field(default_factory=list)
    unplaced: int = 0
    refused: int = 0
    taken: int = 0


class Runner:
    """Runs rounds of one policy.

    :param caller: carries the decisions out
    :param on_placed: told of each placement that the core carried out
    :param live_rescheds: migrate rescheduled VMs live
    """

    def __init__(
        self,
        policy: SchedulerPolicy,
        caller: Caller,
        on_placed: Callable[[Placement | Migration], None],
        *,
        live_rescheds: bool = False,
    ) -> None:
        self._policy = policy
        self._caller = caller
        self._on_placed = on_placed
        self._live_rescheds = live_rescheds
        self._told_s: dict[int, float] = {}

    def run(self, round: Round) -> Summary:
        """Let the policy decide until nothing that waits was refused by the core.

        :raises ClientError: the core stopped answering in the middle
        """
        summary = Summary()
        self._told_s = {vm_id: at_s for vm_id, at_s in self._told_s.items() if round.vm(vm_id)}
        while self._pass(round, summary):
            LOG.debug("round: deciding again after %d refusals", summary.refused)
        return summary

    def _pass(self, round: Round, summary: Summary) -> bool:
        """Run ``decide`` once and return whether the core refused something that can go elsewhere."""
        in_flight: list[tuple[Decision, Future[None] | None]] = []
        most = round.limits.max_dispatch
        placed = len(summary.placed)
        for decision in self._policy.decide(round):
            if isinstance(decision, Placement | Migration):
                if most and placed >= most:
                    break
                placed += 1
            in_flight.append(self._begin(decision, round))
        return self._finish_all(in_flight, round, summary)

    def _finish_all(
        self, in_flight: list[tuple[Decision, Future[None] | None]], round: Round, summary: Summary
    ) -> bool:
        """Wait for all calls, also when some were not answered: what was carried out has to be known."""
        waits_again = False
        failures: list[OpenNebulaError] = []
        for decision, future in in_flight:
            try:
                waits_again |= self._finish(decision, future, round, summary)
            except OpenNebulaError as error:
                failures.append(error)
        if failures:
            raise failures[0]
        return waits_again

    def _begin(self, decision: Decision, round: Round) -> tuple[Decision, Future[None] | None]:
        if isinstance(decision, Migration) and self._live_rescheds:
            decision = Migration(decision.vm_id, decision.host_id, live=True)  # the disks stay in theirs
        round.settle(decision)
        if isinstance(decision, Unplaced):
            return decision, self._begin_message(decision, round)
        return decision, self._caller.begin(self._policy.dispatch(decision))

    def _begin_message(self, decision: Unplaced, round: Round) -> Future[None] | None:
        vm = round.vm(decision.vm_id)
        if vm is None or not decision.message or is_told(vm.message, decision.message):
            return None
        if vm.message and round.now.timestamp() < self._told_s.get(vm.id, 0.0) + TELL_AGAIN_S:
            return None
        self._told_s[vm.id] = round.now.timestamp()
        LOG.info("VM %d: %s", decision.vm_id, decision.message)
        text = update_text(decision.message, round.now)
        return self._caller.begin(Call("one.vm.update", (decision.vm_id, text, 1)))

    def _finish(
        self, decision: Decision, future: Future[None] | None, round: Round, summary: Summary
    ) -> bool:
        """Take note of how a decision ended; return whether its VM waits again."""
        outcome, why = (Outcome.DONE, "") if future is None else outcome_of(future)
        self._policy.dispatched(decision, why)
        if not isinstance(decision, Placement | Migration):
            summary.unplaced += isinstance(decision, Unplaced)
            summary.decisions.append(decision)
            if why:
                LOG.warning("VM %d: %s: %s", decision.vm_id, type(decision).__name__, why)
            return False
        if outcome is Outcome.DONE:
            LOG.info(
                "VM %d: placed on host %d, datastore %d",
                decision.vm_id,
                decision.host_id,
                decision.datastore_id,
            )
            summary.decisions.append(decision)
            summary.placed.append(decision)
            self._on_placed(decision)
            return False
        return self._give_up(decision, outcome, why, round, summary)

    def _give_up(
        self, decision: Placement | Migration, outcome: Outcome, why: str, round: Round, summary: Summary
    ) -> bool:
        if outcome is Outcome.TAKEN:
            summary.taken += 1
            round.withdraw(decision)
            LOG.warning(
                "VM %d: left alone, for a person or another scheduler acted on it first: %s; "
                "run only one scheduler for a cloud",
                decision.vm_id,
                why,
            )
            return False
        summary.refused += 1
        LOG.warning("VM %d: host %d refused: %s", decision.vm_id, decision.host_id, why)
        round.refuse(decision)
        if round.refusals(decision.vm_id) >= MOST_REFUSALS:
            self._tell_refused(decision, why, round, summary)
            return False
        return True

    def _tell_refused(
        self, decision: Placement | Migration, why: str, round: Round, summary: Summary
    ) -> None:
        unplaced = Unplaced(decision.vm_id, f"Cannot dispatch VM: {MOST_REFUSALS} hosts refused it: {why}")
        future = self._begin(unplaced, round)[1]
        self._finish(unplaced, future, round, summary)
