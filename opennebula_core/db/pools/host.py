"""Hosts, and the capacity that VMs take on them."""

from __future__ import annotations

from typing import Any

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.pool import NameScope, Pool
from opennebula_core.db.tables import HostRow
from opennebula_core.documents.host import template_fragment
from opennebula_core.model.objects import Host, Vm
from opennebula_core.model.states import HostState

_BOOK = """UPDATE host SET cpu_usage = cpu_usage + ?, mem_usage = mem_usage + ?, disk_usage = disk_usage + ?,
    running_vms = running_vms + ? WHERE id = ?"""
KIB_PER_MIB = 1024


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

    def vm_ids_by_host(self) -> dict[int, list[int]]:
        """Return the VMs of all hosts, in one query."""
        found: dict[int, list[int]] = {}
        for host_id, vm_id in self.tx.query(
            "SELECT host_id, id FROM vm WHERE host_id IS NOT NULL ORDER BY host_id, id"
        ):
            found.setdefault(host_id, []).append(vm_id)
        return found

    def fragments(self, host_id: int | None = None) -> dict[int, str]:
        """Return the rendered TEMPLATE of one host, or of all, by host id."""
        condition, values = ("", ()) if host_id is None else (" WHERE id = ?", (host_id,))
        return dict(self.tx.query("SELECT id, doc_template FROM host" + condition, values))
