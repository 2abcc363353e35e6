"""What monitoring says of guests, and what follows.

Source: VM life cycle of OpenNebula 6.10, what monitoring does to states.

A report never touches a VM whose plan is under way: the plan knows better what the guest is doing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.contracts.vmm import GuestState
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.documents.monitoring import vm_monitoring
from opennebula_core.managers.monitoring import MonitoringCache
from opennebula_core.managers.vm.effects import VmEffects
from opennebula_core.model.objects import Vm
from opennebula_core.model.states import HistoryAction, LcmState, VmState
from opennebula_core.model.transitions import TRANSITIONS, VmEvent
from opennebula_core.plans import table
from opennebula_core.wire.monitoring import VmMetrics, VmStates

LOG = logging.getLogger(__name__)

SETTLING_S = 30
"""A guest seen alive so soon after it was put to sleep was seen before. Source: OpenNebula 6.x."""

_EVENTS = {
    GuestState.RUNNING: VmEvent.MONITOR_RUNNING,
    GuestState.POWEROFF: VmEvent.MONITOR_POWEROFF,
    GuestState.SUSPENDED: VmEvent.MONITOR_SUSPENDED,
    GuestState.FAILURE: VmEvent.MONITOR_UNKNOWN,
}
_WATCHED = (
    (VmState.ACTIVE, LcmState.RUNNING),
    (VmState.ACTIVE, LcmState.UNKNOWN),
    (VmState.POWEROFF, LcmState.LCM_INIT),
    (VmState.SUSPENDED, LcmState.LCM_INIT),
)


_Sighting = tuple[GuestState, int]
"""How a guest was seen, and the newest plan of its VM then."""


def _sighting(tx: Snapshot, vm_id: int, seen: GuestState) -> _Sighting:
    """Return what has to be seen twice in a row, with no operation in between.

    A look may have begun before the guest was there: just deployed, or come from another host. The next
    look at the same host begins after this one was told.
    """
    return seen, int(tx.value("SELECT COALESCE(MAX(id), 0) FROM plan WHERE vm_id = ?", (vm_id,)))


class VmMonitor:
    """Takes in reports about guests."""

    def __init__(self, cache: MonitoringCache, effects: VmEffects) -> None:
        self._cache = cache
        self._effects = effects
        self._suspects: dict[int, dict[int, _Sighting]] = {}

    # -- figures ---------------------------------------------------------------------------------

    def take_metrics(self, tx: Snapshot, report: VmMetrics, now: int) -> None:
        """Keep the figures of a host's guests; guests that are not ours are passed over."""
        ours = set(tx.hosts.vm_ids(report.host_id))
        for sample in report.samples:
            if sample.vm_id in ours:
                document = vm_monitoring(sample.vm_id, report.timestamp or now, sample.attributes)
                self._cache.put(ObjectKind.VM, sample.vm_id, report.timestamp or now, document)

    # -- states ----------------------------------------------------------------------------------

    def differing(self, tx: Snapshot, report: VmStates) -> list[tuple[int, GuestState]]:
        """Return which VMs a report says something new of, without a transaction: mostly none."""
        found = {guest.vm_id: guest.state for guest in report.vms if guest.vm_id >= 0}
        rows = tx.query("SELECT id, state, lcm_state FROM vm WHERE host_id = ?", (report.host_id,))
        before = self._suspects.pop(report.host_id, {})
        suspects: dict[int, _Sighting] = {}
        new: list[tuple[int, GuestState]] = []
        for vm_id, state, lcm_state in rows:
            seen = found.get(vm_id, report.missing if report.sync else None)
            if seen is None:  # a report that need not be complete says nothing for or against
                suspects |= {vm_id: before[vm_id]} if vm_id in before else {}
            elif self._is_new((VmState(state), LcmState(lcm_state)), seen):
                sighting = _sighting(tx, vm_id, seen)
                if seen is GuestState.RUNNING or before.get(vm_id) == sighting:
                    new.append((vm_id, seen))
                else:
                    suspects[vm_id] = sighting
        if suspects:
            self._suspects[report.host_id] = suspects
        return new

    def forget_host(self, host_id: int) -> None:
        """Drop what was seen on a host that is not watched any more."""
        self._suspects.pop(host_id, None)

    @property
    def suspects(self) -> int:
        """How many guests were seen once to be other than they should be."""
        return sum(map(len, self._suspects.values()))

    @staticmethod
    def _is_new(place: tuple[VmState, LcmState], seen: GuestState) -> bool:
        event = _EVENTS.get(seen)
        return event is not None and place in _WATCHED and (*place, event) in TRANSITIONS

    def apply(self, tx: Transaction, host_id: int, new: Iterable[tuple[int, GuestState]]) -> None:
        """Move VMs to what was seen of them."""
        for vm_id, seen in new:
            vm = tx.vms.find(vm_id)
            if vm is None or not vm.history or vm.history[-1].host_id != host_id:
                continue
            if table.active_of(tx, vm_id) is None and self._is_new((vm.state, vm.lcm_state), seen):
                self._move(tx, vm, seen)

    def _move(self, tx: Transaction, vm: Vm, seen: GuestState) -> None:
        record = vm.history[-1]
        asleep = vm.state in (VmState.POWEROFF, VmState.SUSPENDED)
        if asleep and seen is GuestState.RUNNING:
            if tx.now - record.running_etime < SETTLING_S:
                return
            record.running_etime = 0
            record.action = HistoryAction.NONE
        elif seen in (GuestState.POWEROFF, GuestState.SUSPENDED):
            record.running_etime = tx.now
        LOG.info("VM %d: seen %s on host %s", vm.id, seen, record.hostname)
        state, lcm_state = TRANSITIONS[vm.state, vm.lcm_state, _EVENTS[seen]]
        self._effects.set_state(tx, vm, state, lcm_state)

    def host_lost(self, tx: Transaction, host_id: int) -> None:
        """Show the running VMs of a host that cannot be reached as UNKNOWN."""
        for vm_id in self.running_on(tx, host_id):
            if table.active_of(tx, vm_id) is None:
                self._effects.set_state(tx, tx.vms.get(vm_id), VmState.ACTIVE, LcmState.UNKNOWN)

    @staticmethod
    def running_on(tx: Snapshot, host_id: int) -> list[int]:
        """Return the VMs that are shown as running on a host."""
        rows = tx.query(
            "SELECT id FROM vm WHERE host_id = ? AND state = ? AND lcm_state = ?",
            (host_id, VmState.ACTIVE, LcmState.RUNNING),
        )
        return [row[0] for row in rows]
