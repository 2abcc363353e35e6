"""A scheduling policy that fills one host before it begins the next."""

from collections.abc import Sequence

from opennebula_core.contracts.driver import Option
from opennebula_core.contracts.scheduler import HostView, PendingVm, Round, SchedulerPolicy


class FullestHost(SchedulerPolicy):
    """Prefers the host with the least memory left."""

    options = (Option("keep_free_mib", int, 0, "memory that stays free on every host"),)

    def rank(self, vm: PendingVm, hosts: Sequence[HostView], round: Round) -> Sequence[float]:
        kept_kib = int(self.setting("keep_free_mib")) * 1024
        return [kept_kib - float(round.free_memory_kib(host)) for host in hosts]
