"""The stays of VMs on hosts as ``one.vmpool.accounting`` lists them: each with the document of its VM."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from opennebula_core.db.listing import Selection
from opennebula_core.db.transaction import Snapshot
from opennebula_core.documents.history import render_accounting
from opennebula_core.documents.vm import render_vm_of_record
from opennebula_core.model.objects import HistoryRecord, Vm

OPEN = -1
_CAPACITIES = (
    "SELECT vm_id, seq, cpu_percent, memory_mib FROM history WHERE vm_id IN (SELECT id FROM vm WHERE %s)"
)
_Capacity = tuple[int, int]


@dataclasses.dataclass(frozen=True, slots=True)
class Period:
    """A time, in epoch seconds.

    :param start: -1: from the beginning
    :param end: -1: up to now
    """

    start: int = OPEN
    end: int = OPEN

    def meets(self, record: HistoryRecord) -> bool:
        """Return whether some of a stay lies in the period."""
        begins_too_late = self.end != OPEN and record.stime > self.end
        ends_too_early = self.start != OPEN and 0 < record.etime < self.start
        return not begins_too_late and not ends_too_early

    @property
    def condition(self) -> tuple[str, tuple[int, ...]]:
        """The same as an SQL condition on the row of a VM, that one of its stays does."""
        words, parameters = ["history.vm_id = t1.id"], []
        if self.end != OPEN:
            words.append("history.stime <= ?")
            parameters.append(self.end)
        if self.start != OPEN:
            words.append("(history.etime = 0 OR history.etime >= ?)")
            parameters.append(self.start)
        return f"EXISTS (SELECT 1 FROM history WHERE {' AND '.join(words)})", tuple(parameters)


def accounting_document(tx: Snapshot, selection: Selection, period: Period) -> bytes:
    """Return HISTORY_RECORDS of the VMs that the selection has, those of the period.

    The VM inside a record is the VM as it is now, with the processors and the memory that it had then.
    """
    condition, more = period.condition
    capacities = {
        (vm_id, seq): (cpu_percent, memory_mib)
        for vm_id, seq, cpu_percent, memory_mib in tx.query(
            _CAPACITIES % selection.condition, selection.parameters
        )
    }
    narrowed = selection.and_(condition, *more)
    vms = tx.vms.where(f"{narrowed.condition} ORDER BY id", narrowed.parameters)
    tx.vms.load_whole_history(vms)
    return render_accounting(_records(vms, period, capacities)).encode()


def _records(
    vms: list[Vm], period: Period, capacities: dict[tuple[int, int], _Capacity]
) -> Iterator[tuple[HistoryRecord, str]]:
    for vm in vms:
        now = (vm.cpu_percent, vm.memory_mib)
        documents: dict[_Capacity, str] = {}
        for record in filter(period.meets, vm.history):
            capacity = capacities.get((vm.id, record.seq), now)
            if capacity not in documents:
                documents[capacity] = render_vm_of_record(vm if capacity == now else _as_it_was(vm, capacity))
            yield record, documents[capacity]


def _as_it_was(vm: Vm, capacity: _Capacity) -> Vm:
    cpu_percent, memory_mib = capacity
    template = vm.template.copy()
    template.set("CPU", f"{cpu_percent / 100:g}")
    template.set("MEMORY", str(memory_mib))
    return dataclasses.replace(vm, template=template)
