"""The sentence that tells a user why a VM waits: which condition failed on how many hosts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

MOST_VMS: Final = 5
"""VMs that a message names of those that stand in the way; of a large group all would say less."""

# Conditions that differ in the VM alone are one to a user: twenty hosts with a VM of the group each.
_NAMES_VM = re.compile(r"(?P<before>(?:anti-)?affine with) VM (?P<id>\d+)(?P<after>.*)")


def describe(reasons: Mapping[str, int]) -> str:
    """Return the sentence for a VM's SCHED_MESSAGE.

    :param reasons: condition that failed -> number of hosts that failed it
    """
    if not reasons:
        return "Cannot dispatch VM: there are no hosts"
    parts = [
        f"{condition} on {count} host{'s' if count != 1 else ''}"
        for condition, count in sorted(_gathered(reasons).items(), key=lambda item: (-item[1], item[0]))
    ]
    return f"Cannot dispatch VM: {'; '.join(parts)}"


def _gathered(reasons: Mapping[str, int]) -> Counter[str]:
    """Return the reasons with those about single VMs of a group gathered into one."""
    gathered: Counter[str] = Counter()
    about_vms: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for condition, count in reasons.items():
        named = _NAMES_VM.fullmatch(condition)
        if named is None:
            gathered[condition] += count
        else:
            of_kind = about_vms.setdefault((named["before"], named["after"]), [])
            of_kind.append((int(named["id"]), count))
    for (before, after), counts in about_vms.items():
        vms = _named(vm_id for vm_id, _ in counts)
        gathered[f"{before} {vms}{after}"] += sum(count for _, count in counts)
    return gathered


def _named(vm_ids: Iterable[int]) -> str:
    ids = sorted(vm_ids)
    shown = ", ".join(map(str, ids[:MOST_VMS]))
    more = f" and {len(ids) - MOST_VMS} more" if len(ids) > MOST_VMS else ""
    return f"VM{'s' if len(ids) > 1 else ''} {shown}{more}"
