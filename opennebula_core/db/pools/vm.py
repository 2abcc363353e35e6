"""VMs, their stays on hosts, and the templates they are made from."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Any

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.pool import Child, NameScope, Pool
from opennebula_core.db.quotas import vm_taken
from opennebula_core.db.tables import HistoryRow, VmRow, VmTemplateRow
from opennebula_core.documents.vm import render_vm, vm_xml
from opennebula_core.errors import NotFoundError
from opennebula_core.model.objects import HistoryRecord, Vm, VmTemplate
from opennebula_core.model.states import HistoryAction, LcmState, VmState
from opennebula_core.model.takings import NOTHING, Taken, counted_as, shares_text, system_disk_mib
from opennebula_core.model.template import Template

_RECORD = (
    "vm_id", "seq", "host_id", "hostname", "cluster_id", "vm_mad", "tm_mad", "datastore_id", "stime", "etime",
    "prolog_stime", "prolog_etime", "running_stime", "running_etime", "epilog_stime", "epilog_etime",
    "action", "uid", "gid", "request_id",
)  # fmt: skip
_INSERT_RECORD = HistoryRow.insert(**dict.fromkeys((*_RECORD, "cpu_percent", "memory_mib"), 0)).sql()[0]
_CHANGING = [name for name in _RECORD if name not in ("vm_id", "seq")]
# The capacity of a stay is that at its beginning: a VM that is resized begins another one.
_SAVE_RECORD = f"{_INSERT_RECORD} ON CONFLICT (vm_id, seq) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in _CHANGING
)
_SEQ, _ACTION = _RECORD.index("seq"), _RECORD.index("action")
_DOCUMENT = "SELECT doc_head, doc_middle, doc_tail FROM vm WHERE id = ?"
_RECORDS_CHANGED = 3
"""A transition touches at most the last three records.

A migration that is given up closes the stay at home and the one it opened, and opens one at home.
"""


STAYS_KEPT = 200
"""Of a VM, the newest: each change of the VM writes all of them into its document. Accounting has all."""


def _history(rows: list[list[Any]]) -> list[HistoryRecord]:
    for row in rows:
        row[_ACTION] = HistoryAction(row[_ACTION])
    return [HistoryRecord(*row) for row in sorted(rows, key=itemgetter(_SEQ))]


class VmPool(Pool[Vm]):
    """The virtual machines; their documents are rendered at each change."""

    row = VmRow
    value = Vm
    kind = ObjectKind.VM
    title = "virtual machine"
    decoders = {  # noqa: RUF012 - a ClassVar of the base class
        "state": VmState,
        "lcm_state": LcmState,
        "prev_state": VmState,
        "prev_lcm_state": LcmState,
        "resched": bool,
        "user_template": Template.from_json,
    }
    children = {  # noqa: RUF012 - a ClassVar of the base class
        "history": Child(
            f"json_array({', '.join(_RECORD)})",
            f"(SELECT * FROM history WHERE vm_id = t1.id ORDER BY seq DESC LIMIT {STAYS_KEPT})",
            _history,
        )
    }
    stored_only = (
        "cpu_percent",
        "memory_mib",
        "counted",
        "system_disk_mib",
        "shares",
        "host_id",
        "doc_head",
        "doc_middle",
        "doc_tail",
        "doc_extended_tail",
        "doc_short_head",
        "doc_short_middle",
        "doc_short_tail",
    )
    counter = "revision"
    counted = ("uid", "gid", "cpu_percent", "memory_mib", "counted", "system_disk_mib", "shares")

    def encode_stored(self, value: Vm) -> tuple[Any, ...]:
        """Return sums, the host that carries the VM's capacity, and the documents."""
        record = value.last_record
        documents = render_vm(value)
        counted = counted_as(value.state, value.lcm_state)
        return (
            value.cpu_percent,
            value.memory_mib,
            counted,
            system_disk_mib(value) if counted else 0,
            shares_text(value) if counted else NOTHING,
            record.host_id if record is not None and not record.etime else None,
            documents.head,
            documents.middle,
            documents.tail,
            documents.extended_tail,
            documents.short_head,
            documents.short_middle,
            documents.short_tail,
        )

    def decode_taken(self, row: tuple[Any, ...]) -> Taken:
        """Return what a VM takes."""
        return vm_taken(row)

    def state_text(self, value: Vm) -> str:
        """Return STATE and LCM_STATE."""
        return f"{value.state.name} {value.lcm_state.name}"

    def save_children(self, saved: Vm) -> None:
        """Write the records that a transition can have touched."""
        capacity = (saved.cpu_percent, saved.memory_mib)
        for record in saved.history[-_RECORDS_CHANGED:]:
            values = [getattr(record, name) for name in _RECORD]
            self.tx.execute(_SAVE_RECORD, (*values, *capacity))

    def drop_children(self, object_id: int) -> None:
        """Remove the history, plans and scheduled actions of a VM that is deleted from the database."""
        self.tx.execute("DELETE FROM history WHERE vm_id = ?", (object_id,))
        self.tx.execute("DELETE FROM sched_action WHERE vm_id = ?", (object_id,))
        self.tx.execute("DELETE FROM plan WHERE vm_id = ?", (object_id,))
        self.tx.execute("DELETE FROM security_group_vm WHERE vm_id = ?", (object_id,))

    def load_whole_history(self, vms: Iterable[Vm]) -> None:
        """Read the stays that are too old for the VMs' documents; such VMs must not be saved."""
        for vm in vms:
            if len(vm.history) >= STAYS_KEPT:
                sql = f"SELECT {', '.join(_RECORD)} FROM history WHERE vm_id = ?"
                vm.history = _history([list(row) for row in self.tx.query(sql, (vm.id,))])

    def document(self, vm_id: int) -> str:
        """Return a VM's whole document as plain XML, for drivers; it was rendered at the VM's last change.

        :raises NotFoundError: there is none with that id
        """
        row = self.tx.one(_DOCUMENT, (vm_id,))
        if row is None:
            raise NotFoundError(f"Error getting {self.title} [{vm_id}].", vm_id)
        return vm_xml(*row)


class VmTemplatePool(Pool[VmTemplate]):
    """The VM templates."""

    row = VmTemplateRow
    value = VmTemplate
    kind = ObjectKind.TEMPLATE
    title = "virtual machine template"
    names = NameScope.OWNER
