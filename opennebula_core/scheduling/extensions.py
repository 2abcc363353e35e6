"""What plugins add to any policy, through the hooks of :mod:`opennebula_core.hookspecs.scheduler`."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Final

from opennebula_core.contracts.scheduler import Cloud, HostView, PendingVm
from opennebula_core.errors import OpenNebulaError
from opennebula_core.plugins import HookManager, ask, ask_each, gather, notify
from opennebula_core.plugins.complaints import Complaints, repeated
from opennebula_core.scheduling.runner import Summary

LOG = logging.getLogger(__name__)

FAILED: Final = "a plugin's filter failed; see the scheduler's log"


class HookExtensions:
    """Asks the installed plugins. Policies meet it as the ``extensions`` of a round."""

    def __init__(self, hooks: HookManager) -> None:
        self._filter = hooks.hook.opennebula_filter_hosts
        self._rank = hooks.hook.opennebula_rank_hosts
        self._before = hooks.hook.opennebula_before_placement_round
        self._done = hooks.hook.opennebula_placement_round_done
        self._complaints = Complaints()

    def reject(self, vm: PendingVm, hosts: Sequence[HostView]) -> Mapping[int, str]:
        """Return the hosts that a plugin rejects, with its reasons; a plugin that fails rejects all."""
        rejected: dict[int, str] = {}
        try:
            for name, answer in ask_each(self._filter, vm=vm, hosts=hosts):
                rejected.update(_reasons(name, answer))
        except OpenNebulaError:
            quiet = self._complaints.is_due("filter")
            if quiet is not None:
                LOG.exception("VM %d: placed nowhere, for a filter failed%s", vm.id, repeated(quiet))
            return {host.id: FAILED for host in hosts}
        return rejected

    def rank(self, vm: PendingVm, hosts: Sequence[HostView]) -> Sequence[float]:
        """Return the sum of the plugins' terms for each host; a plugin that fails adds nothing."""
        terms = [0.0] * len(hosts)
        for name, answer in gather(self._rank, vm=vm, hosts=hosts):
            added = _numbers(answer)
            if added is not None and len(added) == len(hosts):
                terms = [total + term for total, term in zip(terms, added, strict=True)]
            elif (quiet := self._complaints.is_due("rank", name)) is not None:
                text = "plugin %s: answered %.80r instead of a number for each of %d hosts%s"
                LOG.error(text, name, answer, len(hosts), repeated(quiet))
        return terms

    def before_round(self, cloud: Cloud, vms: Sequence[PendingVm]) -> None:
        """Let plugins refuse the round.

        :raises OpenNebulaError: one does
        """
        ask(self._before, cloud=cloud, vms=vms)

    def round_done(self, summary: Summary, duration_s: float) -> None:
        """Tell plugins what a round came to."""
        notify(self._done, decisions=tuple(summary.decisions), duration_s=duration_s)


def _reasons(name: str, answer: object) -> dict[int, str]:
    """Return what a plugin's filter rejects.

    :raises OpenNebulaError: it answered with something else
    """
    try:
        if not isinstance(answer, Mapping):
            raise TypeError("no mapping")
        return {int(host_id): str(reason) for host_id, reason in answer.items()}
    except (ValueError, TypeError, OverflowError) as error:
        raise OpenNebulaError(
            f"ask plugin {name!r} for a filter: it answered with {repr(answer)[:80]}, "
            f"not with a mapping of host ids to reasons; upgrade it"
        ) from error


def _numbers(answer: object) -> list[float] | None:
    """Return what a plugin adds to the ranks, None when it is no sequence of numbers."""
    if isinstance(answer, str | bytes) or not isinstance(answer, Sequence):
        return None
    try:
        numbers = [float(term) for term in answer]
    except (ValueError, TypeError, OverflowError):
        return None
    return None if any(map(math.isnan, numbers)) else numbers
