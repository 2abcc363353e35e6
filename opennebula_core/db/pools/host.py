"""Hosts, and the capacity that VMs take on them."""

from __future__ import annotations

from typing import Any

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.listing import Selection
from opennebula_core.db.pool import NameScope, Pool
from opennebula_core.db.tables import HostRow
from opennebula_core.documents.host import HostIdentity, HostShare, host_text, template_fragment
from opennebula_core.model.objects import Host, Vm
from opennebula_core.model.states import HostState

_BOOK = """UPDATE host SET cpu_usage = cpu_usage + ?, mem_usage = mem_usage + ?, disk_usage = disk_usage + ?,
    running_vms = running_vms + ? WHERE id = ?"""
# In the order of the index, which is that of the ids within each host.
_VM_IDS = """SELECT host_id, CAST(group_concat(id) AS BLOB) FROM vm INDEXED BY vm_host
    WHERE host_id IS NOT NULL GROUP BY host_id"""
_PARTS = """SELECT id, name, state, prev_state, im_mad, vm_mad, cluster_id, cluster,
    mem_usage, cpu_usage, total_mem, total_cpu, max_mem, max_cpu, running_vms, disk_usage,
    CAST(doc_template AS BLOB) FROM host WHERE """
_IDENTITY = 8
"""Columns of the host's identity, before those of its share."""
KIB_PER_MIB = 1024

DocumentParts = tuple[HostIdentity, HostShare, bytes]
"""Identity, share, and the part that the template decides, escaped."""


class HostPool(Pool[Host]):
    """The hosts. What VMs take is added and taken in place: no deployment rewrites a host's document."""

    row = HostRow
    value = Host
    kind = ObjectKind.HOST
    title = "host"
    names = NameScope.POOL
    decoders = {"state": HostState, "prev_state": HostState}  # noqa: RUF012 - a ClassVar of the base class
    stored_only = ("doc_template",)

    def encode_stored(self, value: Host) -> tuple[Any, ...]:
        """Return the document part that only the host's own template decides."""
        return (template_fragment(value.template),)

    def state_text(self, value: Host) -> str:
        """Return STATE."""
        return value.state.name

    def cluster_ids(self, object_id: int) -> tuple[int, ...]:
        """Return the host's cluster."""
        cluster_id = self.tx.value("SELECT cluster_id FROM host WHERE id = ?", (object_id,))
        return () if cluster_id is None else (int(cluster_id),)

    def book(self, host_id: int, vm: Vm, sign: int = 1) -> None:
        """Add (``sign`` 1) or take away (-1) what the VM asks for."""
        memory_kib = vm.memory_mib * KIB_PER_MIB
        disk_mib = sum(int(disk.get("SIZE", "0") or 0) for disk in vm.template.vectors("DISK"))
        self.tx.execute(_BOOK, (sign * vm.cpu_percent, sign * memory_kib, sign * disk_mib, sign, host_id))

    def vm_ids(self, host_id: int) -> list[int]:
        """Return the VMs that take capacity on the host."""
        return [
            row[0] for row in self.tx.query("SELECT id FROM vm WHERE host_id = ? ORDER BY id", (host_id,))
        ]

    def vm_ids_by_host(self) -> dict[int, bytes]:
        """Return the VMs of all hosts, in one query: their ids with commas between them, by host."""
        return dict(self.tx.query(_VM_IDS))

    def document(self, host_id: int) -> str:
        """Return a host's document as plain XML, for drivers, without its VMs; empty when it is gone."""
        found = self.document_parts(Selection("id = ?", (host_id,)))
        return host_text(*found[0]) if found else ""

    def document_parts(self, selection: Selection) -> list[DocumentParts]:
        """Return what documents of hosts are made of, without loading the hosts."""
        rows = self.tx.query(_PARTS + selection.sql, selection.parameters)
        return [(row[:_IDENTITY], row[_IDENTITY:-1], row[-1]) for row in rows]
