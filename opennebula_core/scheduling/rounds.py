"""Rounds as the process runs them: collect, decide, dispatch, and tell what came of it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from time import monotonic

from opennebula_core.contracts.scheduler import Migration, Placement, Round
from opennebula_core.errors import OpenNebulaError
from opennebula_core.scheduling.collector import Collector
from opennebula_core.scheduling.dispatcher import Caller
from opennebula_core.scheduling.extensions import HookExtensions
from opennebula_core.scheduling.loading import Charge
from opennebula_core.scheduling.runner import Runner, Summary
from opennebula_core.scheduling.window import Window

LOG = logging.getLogger(__name__)


class Rounds:
    """Runs rounds of the policy in charge on the collected picture of the cloud."""

    def __init__(
        self, charge: Charge, collector: Collector, caller: Caller, extensions: HookExtensions
    ) -> None:
        self.charge = charge
        self.collector = collector
        self._extensions = extensions
        self._window = Window(charge.limits, charge.interval_s)
        self._runner = Runner(charge.policy, caller, self._on_placed, live_rescheds=charge.live_rescheds)

    def is_wanted(self) -> bool:
        """Whether a round would have anything to decide, by what was last fetched."""
        return self.collector.has_waiting_vms or self.charge.policy.collects_active_vms

    def prepare(self) -> Round | None:
        """Collect and return a round that may begin; None when there is nothing to do, or nothing allowed.

        :raises ClientError: the API cannot be reached
        """
        self.collector.refresh_vms()
        limits = self._window.open(monotonic())
        if not self.is_wanted() or limits is None:
            return None
        cloud = self.collector.cloud()
        vms = self.charge.policy.collect(cloud)
        return Round(
            cloud,
            vms[: limits.max_vms] if limits.max_vms else vms,
            now=datetime.now(UTC),
            limits=limits,
            extensions=self._extensions,
            placed_before=self._window.per_host,
        )

    def run(self) -> Summary | None:
        """Run one round and return what it came to; None when there was none.

        :raises ClientError: the API stopped answering
        """
        started_s = monotonic()
        round = self.prepare()
        if round is None or not self._is_allowed(round):
            return None
        summary = self._runner.run(round)
        duration_s = monotonic() - started_s
        if summary.decisions:
            self._extensions.round_done(summary, duration_s)
        if summary.placed or summary.refused or summary.taken:
            LOG.info(
                "round: placed %d of %d VMs on %d hosts in %.1f ms, %d wait, %d refused, %d taken by others",
                len(summary.placed),
                len(round.vms),
                len(round.cloud.hosts),
                duration_s * 1000,
                summary.unplaced,
                summary.refused,
                summary.taken,
            )
        return summary

    def wakeup_s(self) -> float:
        """Return in how many seconds the next round is wanted even if nothing changes."""
        wakeup = self.charge.policy.wakeup_at(datetime.now(UTC))
        times_s = [self.charge.interval_s]
        if wakeup is not None:
            times_s.append((wakeup - datetime.now(UTC)).total_seconds())
        if self.collector.has_waiting_vms and (
            self.charge.limits.max_dispatch or self.charge.limits.max_host
        ):
            times_s.append(self._window.reopens_at_s() - monotonic())
        return max(0.0, min(times_s))

    def _is_allowed(self, round: Round) -> bool:
        try:
            self._extensions.before_round(round.cloud, round.vms)
        except OpenNebulaError as error:
            LOG.warning("round: refused by a plugin: %s", error)
            return False
        return True

    def _on_placed(self, decision: Placement | Migration) -> None:
        self._window.count(decision)
        self.collector.note_dispatched(decision)
