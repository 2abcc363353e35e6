"""The head of a domain: name, virtual CPUs, shares, pinning and memory."""

from __future__ import annotations

import math
from collections.abc import Iterator

from opennebula_core.errors import DriverError
from opennebula_core.model.template import Vector
from opennebula_vmm_kvm.domain_xml.markup import block, block_unless_empty, element, empty, escape
from opennebula_vmm_kvm.domain_xml.sources import Sources, positive, whole_number

KIB_PER_MIB = 1024
PINNING = frozenset({"CORE", "THREAD", "SHARED"})


def vcpu_lines(sources: Sources) -> list[str]:
    """Return ``<vcpu>``; nothing when the template does not ask for any."""
    vcpus, most = sources.number("VCPU"), sources.number("VCPU_MAX")
    if most > vcpus > 0:
        return [f"<vcpu current='{vcpus}'>{most}</vcpu>"]
    return [element("vcpu", vcpus)] if vcpus else []


def cputune_lines(sources: Sources) -> list[str]:
    """Return ``<cputune>``: the guest's share of the host's CPUs, and its pinning."""
    share = sources.vm.get("CPU")
    inner = [f"<shares>{_shares(share, sources)}</shares>"] if share else []
    return block_unless_empty("cputune", [*inner, *_pins(sources)])


def memory_lines(sources: Sources) -> list[str]:
    """Return ``<memory>`` and what goes with it, in KiB.

    :raises DriverError: the template has no MEMORY
    """
    memory_mib = sources.number("MEMORY")
    if not memory_mib:
        raise DriverError(f"describe VM {sources.vm_id}: no MEMORY in its template; add MEMORY, in MiB")
    memory_kib = memory_mib * KIB_PER_MIB
    most_kib = sources.number("MEMORY_MAX") * KIB_PER_MIB
    if most_kib <= memory_kib:
        return [f"<memory>{memory_kib}</memory>"]
    if is_memory_hotplugged(sources):
        slots = sources.vm.get("MEMORY_SLOTS") or sources.single("MEMORY_SLOTS") or "16"
        return [
            f"<memory>{memory_kib}</memory>",
            f"<maxMemory slots='{escape(slots)}'>{most_kib}</maxMemory>",
        ]
    return [f"<memory>{most_kib}</memory>", f"<currentMemory>{memory_kib}</currentMemory>"]


def is_memory_hotplugged(sources: Sources) -> bool:
    """Return whether the guest's memory grows by DIMMs; a guest with a topology has fixed cells instead."""
    return (
        sources.vm.get("MEMORY_RESIZE_MODE").upper() == "HOTPLUG"
        and sources.vm.vector("TOPOLOGY") is None
        and sources.number("MEMORY_MAX") > sources.number("MEMORY")
    )


def numa_nodes(sources: Sources) -> list[Vector]:
    """Return the NUMA nodes of the guest, only with a topology."""
    return sources.vm.vectors("NUMA_NODE") if sources.vm.vector("TOPOLOGY") else []


def is_pinned(sources: Sources) -> bool:
    """Return whether the guest's CPUs are bound to the host's."""
    topology = sources.vm.vector("TOPOLOGY") or Vector()
    return topology.get("PIN_POLICY", "").upper() in PINNING


def numatune_lines(sources: Sources) -> list[str]:
    """Return ``<numatune>``: pinned nodes take their memory where their CPUs are."""
    places = [node.get("MEMORY_NODE_ID") or node.get("NODE_ID", "") for node in numa_nodes(sources)]
    nodes = [(cell, place) for cell, place in enumerate(places) if place]
    if not nodes or not is_pinned(sources):
        return []
    every = ",".join(dict.fromkeys(node for _, node in nodes))
    return block(
        "numatune",
        [
            empty("memory", [("mode", "strict"), ("nodeset", every)]),
            *(
                empty("memnode", [("cellid", cell), ("mode", "strict"), ("nodeset", node)])
                for cell, node in nodes
            ),
        ],
    )


def hugepage_lines(sources: Sources) -> list[str]:
    """Return ``<memoryBacking>`` for huge pages (HUGEPAGE_SIZE, in MiB)."""
    topology = sources.vm.vector("TOPOLOGY") or Vector()
    size_mib = topology.get("HUGEPAGE_SIZE", "")
    if not size_mib:
        return []
    page = empty("page", [("size", whole_number(size_mib, "TOPOLOGY/HUGEPAGE_SIZE")), ("unit", "M")])
    return block("memoryBacking", block("hugepages", [page]))


def _shares(cpu: str, sources: Sources) -> int:
    """Control groups weigh from 2 to 262144, in their version 2 from 1 to 10000. Source: libvirt."""
    try:
        wanted = float(cpu)
    except ValueError:
        wanted = math.nan
    if not 0 <= wanted < math.inf:
        raise DriverError(f"describe VM {sources.vm_id}: CPU is {cpu!r}; write a number, such as 0.5")
    if sources.host.get("CGROUPS_VERSION") == "2":
        return min(max(math.ceil(100 * wanted), 1), 10_000)
    return min(max(math.ceil(1024 * wanted), 2), 262_144)


def _pins(sources: Sources) -> Iterator[str]:
    if not is_pinned(sources):
        return
    is_shared = (sources.vm.vector("TOPOLOGY") or Vector()).get("PIN_POLICY", "").upper() == "SHARED"
    every: list[str] = []
    vcpu = 0
    for node in numa_nodes(sources):
        cpus = [cpu for cpu in node.get("CPUS", "").replace(" ", "").split(",") if cpu]
        for cpu in cpus[: positive(node, "TOTAL_CPUS") or len(cpus)]:
            yield empty("vcpupin", [("vcpu", vcpu), ("cpuset", ",".join(cpus) if is_shared else cpu)])
            vcpu += 1
        every += cpus
    emulator = sources.single("EMULATOR_CPUS") or ",".join(every)
    if emulator:
        yield empty("emulatorpin", [("cpuset", emulator)])
