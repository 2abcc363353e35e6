"""The matchmaking policy: filter by requirements and room, order by rank."""

from __future__ import annotations

from typing import ClassVar, Final

from opennebula_core.contracts.driver import DriverContext, Option
from opennebula_core.contracts.scheduler import (
    HostView,
    Migration,
    PendingVm,
    Placement,
    SchedulerPolicy,
)
from opennebula_core.errors import ConfigError
from opennebula_sched_default.ranks import DATASTORE_RANKS, HOST_RANKS, default_rank

COLD_MIGRATE_MODES: Final = {"save": 0, "poweroff": 1, "poweroff-hard": 2}
"""Source: OpenNebula 6.10 one.vm.migrate."""


class DefaultPolicy(SchedulerPolicy):
    """Matches VMs with hosts as OpenNebula's scheduler does.

    A VM goes to the host with the highest rank among those that it may use, that meet its requirements and
    have room; of equal ranks to the one with the lowest id.
    """

    options: ClassVar[tuple[Option, ...]] = (
        Option(
            "policy",
            str,
            "striping",
            "rank of VMs without SCHED_RANK: packing, striping, load-aware, fixed or custom",
        ),
        Option("rank", str, "", "the rank expression for policy = custom"),
        Option(
            "datastore_policy",
            str,
            "striping",
            "rank of system datastores for VMs without SCHED_DS_RANK: packing, striping, fixed or custom",
        ),
        Option("datastore_rank", str, "", "the rank expression for datastore_policy = custom"),
        Option(
            "cold_migrate",
            str,
            "save",
            "how a rescheduled VM is stopped when it is not migrated live: save, poweroff or poweroff-hard",
        ),
    )

    def __init__(self, context: DriverContext) -> None:
        super().__init__(context)
        self.rank_of_vms = default_rank(
            str(self.setting("policy")), str(self.setting("rank")), HOST_RANKS, "policy"
        )
        self.rank_of_datastores = default_rank(
            str(self.setting("datastore_policy")),
            str(self.setting("datastore_rank")),
            DATASTORE_RANKS,
            "datastore_policy",
        )
        self._cold_mode = self._cold_migrate_mode()

    def _cold_migrate_mode(self) -> int:
        word = str(self.setting("cold_migrate"))
        if word not in COLD_MIGRATE_MODES:
            choices = ", ".join(COLD_MIGRATE_MODES)
            raise ConfigError(
                f"option cold_migrate of the policy is {word!r}: not known; choose one of {choices}"
            )
        return COLD_MIGRATE_MODES[word]

    def placement(self, vm: PendingVm, host: HostView, datastore_id: int) -> Placement | Migration:
        """Deploy a pending VM; move a running one as ``cold_migrate`` says."""
        if vm.resched:
            return Migration(vm.id, host.id, datastore_id, cold_mode=self._cold_mode)
        return Placement(vm.id, host.id, datastore_id)
