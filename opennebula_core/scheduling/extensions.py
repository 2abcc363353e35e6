"""What plugins add to any policy, through the hooks of :mod:`opennebula_core.hookspecs.scheduler`."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Final

from opennebula_core.contracts.scheduler import Cloud, HostView, PendingVm
from opennebula_core.errors import OpenNebulaError
from opennebula_core.plugins import HookManager, ask, ask_each, gather, notify
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

    def reject(self, vm: PendingVm, hosts: Sequence[HostView]) -> Mapping[int, str]:
        """Return the hosts that a plugin rejects, with its reasons; a plugin that fails rejects all."""
        rejected: dict[int, str] = {}
        try:
            for name, answer in ask_each(self._filter, vm=vm, hosts=hosts):
                if not isinstance(answer, Mapping):
                    raise OpenNebulaError(
                        f"ask plugin {name!r} for a filter: it answered with {type(answer).__name__}, "
                        f"not with a mapping of host ids to reasons; upgrade it"
                    )
                rejected.update((int(host_id), str(reason)) for host_id, reason in answer.items())
        except (OpenNebulaError, ValueError, TypeError):
            LOG.exception("VM %d: placed nowhere, for a filter failed", vm.id)
            return {host.id: FAILED for host in hosts}
        return rejected

    def rank(self, vm: PendingVm, hosts: Sequence[HostView]) -> Sequence[float]:
        """Return the sum of the plugins' terms for each host; a plugin that fails adds nothing."""
        terms = [0.0] * len(hosts)
        for name, answer in gather(self._rank, vm=vm, hosts=hosts):
            if not isinstance(answer, Sequence) or len(answer) != len(hosts):
                LOG.error(
                    "plugin %s: answered %r instead of a number for each of %d hosts",
                    name,
                    answer,
                    len(hosts),
                )
                continue
            terms = [total + float(term) for total, term in zip(terms, answer, strict=True)]
        return terms

    def before_round(self, cloud: Cloud, vms: Sequence[PendingVm]) -> None:
        """Let plugins refuse the round.

        :raises OpenNebulaError: one does
        """
        ask(self._before, cloud=cloud, vms=vms)

    def round_done(self, summary: Summary, duration_s: float) -> None:
        """Tell plugins what a round came to."""
        notify(self._done, decisions=tuple(summary.decisions), duration_s=duration_s)
