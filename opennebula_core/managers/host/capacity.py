"""A host's capacity: what it has, less what is reserved, or more where an operator consolidates.

Source: RESERVED_CPU and RESERVED_MEM of OpenNebula 6.10; the host's own value goes before its cluster's.
"""

from __future__ import annotations

from math import isfinite
from typing import Final

from opennebula_core.db.transaction import Snapshot
from opennebula_core.model.numbers import decimal_number
from opennebula_core.model.objects import Host
from opennebula_core.model.template import Template

LARGEST: Final = float(1 << 53)
"""More of anything is no figure: sums of a thousand of these still fit into 64 bits."""
_TOTALS = {"TOTALCPU": "total_cpu", "TOTALMEMORY": "total_mem"}
_VOLATILE = frozenset({"USEDCPU", "FREECPU", "USEDMEMORY", "FREEMEMORY", "NETRX", "NETTX"})


def apply_system(tx: Snapshot, host: Host, attributes: Template) -> bool:
    """Put what a probe reports into the host; return whether there is something to save.

    Every attribute is kept, for requirements and ranks; a user's own value of the same name gives way.
    """
    before = (host.template.copy(), host.total_cpu, host.total_mem)
    for name in dict.fromkeys(name for name, _ in attributes):
        if name in _TOTALS:
            setattr(host, _TOTALS[name], figure(attributes.get(name)))
        elif name not in _VOLATILE:
            host.template.remove(name)
            for key, value in attributes:
                if key == name:
                    host.template.add(name, value)
    set_limits(tx, host)
    changed = before != (host.template, host.total_cpu, host.total_mem)
    return changed or host.state.name in ("INIT", "ERROR")


def set_limits(tx: Snapshot, host: Host) -> None:
    """Work out MAX_CPU and MAX_MEM from the totals and what host or cluster reserve."""
    cluster = tx.clusters.find(host.cluster_id)
    shared = cluster.template if cluster is not None else Template()
    cpu = host.template.get("RESERVED_CPU") or shared.get("RESERVED_CPU")
    memory = host.template.get("RESERVED_MEM") or shared.get("RESERVED_MEM")
    host.max_cpu = host.total_cpu - reserved(cpu, host.total_cpu)
    host.max_mem = host.total_mem - reserved(memory, host.total_mem)


def reserved(text: str, total: int) -> int:
    """Return what a reservation takes: ``200``, ``-200`` (adds), ``10%``, ``-50%``; rubbish takes nothing."""
    text = text.strip()
    share, is_percentage = text.removesuffix("%").rstrip(), text.endswith("%")
    number = decimal_number(share.removeprefix("-"))
    if number is None:
        return 0
    amount = total * number / 100 if is_percentage else number
    return int(min(amount, LARGEST)) * (-1 if share.startswith("-") else 1)


def figure(text: str) -> int:
    """Return what a driver reports as a whole number that the database can hold; rubbish is nothing."""
    try:
        number = float(text)
    except ValueError:
        return 0
    return int(min(max(number, -LARGEST), LARGEST)) if isfinite(number) else 0
