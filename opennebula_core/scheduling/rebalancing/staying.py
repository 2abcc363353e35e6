"""Why a VM cannot be moved by a plan, whatever room there is elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from re import compile as compile_pattern
from typing import Final
from xml.etree.ElementTree import Element

from opennebula_core.contracts.matchmaking.bookings import HostLookup
from opennebula_core.contracts.matchmaking.views import PendingVm
from opennebula_core.errors import ExpressionError
from opennebula_core.model.expressions import parse_requirement, variables
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.scheduling.numbers import whole_number

CHOICE: Final = "REBALANCE"
"""NO in the template of a VM keeps plans off it."""
_VM_NAMED: Final = compile_pattern(r"CURRENT_VMS\"?\s*!?=\s*\"?(\d+)")
_PINNED: Final = ("", "NONE")


def reason_to_stay(element: Element, vm: PendingVm, *, live: bool, has_reach: bool) -> str:
    """Return why the VM stays, empty when it may move.

    :param element: its document
    :param live: moves are live
    :param has_reach: its disks may be anywhere: all hosts reach them, or they may be copied
    """
    if _number(element, "STATE") != VmState.ACTIVE or _number(element, "LCM_STATE") != LcmState.RUNNING:
        return "it is not in state RUNNING"
    if element.find("LOCK") is not None:
        return "it is locked"
    if _number(element, "RESCHED") == 1:
        return "the scheduler is about to move it"
    if vm.user_template.get(CHOICE).upper() == "NO" or vm.template.get(CHOICE).upper() == "NO":
        return f"its template says {CHOICE} = NO"
    return _reason_of_devices(vm, live=live, has_reach=has_reach) or _reason_of_requirements(vm)


def _reason_of_devices(vm: PendingVm, *, live: bool, has_reach: bool) -> str:
    topology = vm.template.vectors("TOPOLOGY")
    if topology and topology[0].get("PIN_POLICY", "").upper() not in _PINNED:
        return "it is pinned to processors of its host"
    if vm.template.vectors("PCI"):
        return "it has a PCI device of its host"
    if live and vm.template.vectors("SNAPSHOT"):
        return "it has snapshots, which a live migration would lose"
    if not has_reach and vm.template.vectors("DISK"):
        return "its disks are on its host"
    return ""


def _reason_of_requirements(vm: PendingVm) -> str:
    if not vm.requirements:
        return ""
    try:
        names = variables(parse_requirement(vm.requirements))
    except ExpressionError:
        return "its SCHED_REQUIREMENTS do not parse"
    live = sorted(names & HostLookup.LIVE_NAMES)
    return f"its SCHED_REQUIREMENTS depend on {live[0]}, which moves change" if live else ""


def vms_named(vms: Iterable[PendingVm]) -> frozenset[int]:
    """Return the VMs that requirements of others name: these would be broken if one moved."""
    return frozenset(int(number) for vm in vms for number in _VM_NAMED.findall(vm.requirements))


def _number(element: Element, path: str) -> int:
    return whole_number(element.findtext(path, ""), -1)
