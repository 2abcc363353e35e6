"""Automatic requirements: where a VM can run at all, given the clusters of what it uses.

Source: AUTOMATIC_REQUIREMENTS of OpenNebula 6.10.
"""

from __future__ import annotations

from opennebula_core.errors import InternalError
from opennebula_core.model.objects import Vm
from opennebula_core.model.template import Vector

_ALWAYS = "!(PUBLIC_CLOUD = YES) & !(PIN_POLICY = PINNED)"


def set_automatic_requirements(vm: Vm) -> None:
    """Write what hosts, system datastores and networks the VM can have into its template.

    :raises InternalError: no cluster has all that the VM uses
    """
    clusters = _common_clusters(vm)
    for name in ("AUTOMATIC_REQUIREMENTS", "AUTOMATIC_DS_REQUIREMENTS", "AUTOMATIC_NIC_REQUIREMENTS"):
        vm.template.remove(name)
    if clusters is None:
        vm.template.set("AUTOMATIC_REQUIREMENTS", _ALWAYS)
        return
    hosts = " | ".join(f"CLUSTER_ID = {cluster_id}" for cluster_id in sorted(clusters))
    members = " | ".join(f'"CLUSTERS/ID" @> {cluster_id}' for cluster_id in sorted(clusters))
    vm.template.set("AUTOMATIC_REQUIREMENTS", f"({hosts}) & {_ALWAYS}")
    vm.template.set("AUTOMATIC_DS_REQUIREMENTS", f"({members})")
    vm.template.set("AUTOMATIC_NIC_REQUIREMENTS", f"({members})")


def _common_clusters(vm: Vm) -> set[int] | None:
    common: set[int] | None = None
    for kind, vector in (
        *(("DISK", disk) for disk in vm.template.vectors("DISK")),
        *(("NIC", nic) for nic in vm.template.vectors("NIC")),
    ):
        if "CLUSTER_ID" not in vector:
            continue
        clusters = {int(word) for word in vector["CLUSTER_ID"].split(",") if word}
        common = clusters if common is None else common & clusters
        if not common:
            raise InternalError(_incompatible(kind, vector, clusters))
    return common


def _incompatible(kind: str, vector: Vector, clusters: set[int]) -> str:
    where = ", ".join(str(cluster_id) for cluster_id in sorted(clusters)) or "none"
    what, number = (
        ("Network for NIC", vector.get("NIC_ID"))
        if kind == "NIC"
        else ("Image Datastore for DISK", vector.get("DISK_ID"))
    )
    return (
        f"Incompatible clusters in {kind}. {what} {number} is not in the same cluster "
        f"as the one used by other VM elements (cluster {where})"
    )
