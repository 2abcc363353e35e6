"""Stays of VMs: the newest are loaded and shown, all are kept."""

from __future__ import annotations

from opennebula_core.db.pools.vm import STAYS_KEPT
from opennebula_core.db.store import Store
from opennebula_core.db.transaction import Transaction
from opennebula_core.model.objects import HistoryRecord, Vm
from opennebula_core.model.template import Template


def test_a_vm_of_many_stays_shows_the_newest_and_keeps_all(store: Store) -> None:
    vm = Vm(-1, "one", template=Template([("CPU", "1"), ("MEMORY", "64")]))
    store.write_now(lambda tx: tx.vms.allocate(vm))

    def stay(tx: Transaction) -> None:
        moved = tx.vms.get(vm.id)
        seq = moved.history[-1].seq + 1 if moved.history else 0
        moved.history.append(HistoryRecord(vm.id, seq, 0, f"host{seq}", 0, "kvm", "ssh", 0, etime=1))
        tx.vms.save(moved)

    for _ in range(STAYS_KEPT + 5):
        store.write_now(stay)

    loaded = store.read(lambda tx: tx.vms.get(vm.id))
    document = store.read(lambda tx: tx.vms.document(vm.id))
    assert [loaded.history[0].seq, loaded.history[-1].seq] == [5, STAYS_KEPT + 4]
    assert document.count("<HOSTNAME>") == STAYS_KEPT + 1  # a save writes one more than it loads
    store.read(lambda tx: tx.vms.load_whole_history([loaded]))
    assert [record.hostname for record in loaded.history] == [f"host{seq}" for seq in range(STAYS_KEPT + 5)]
