"""Waiting for VMs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final
from xml.etree.ElementTree import Element

from opennebula_core.cli.states import vm_state
from opennebula_core.cli.waiting import Follower, Situation, transfer_share
from opennebula_core.client import Client
from opennebula_core.model.states import LcmState, VmState

RUNNING: Final = LcmState.RUNNING.name
DONE: Final = VmState.DONE.name
_RESTS: Final = frozenset(
    {state.name for state in VmState if state not in (VmState.INIT, VmState.PENDING, VmState.CLONING)}
    | {RUNNING}
) - {VmState.ACTIVE.name}
"""States that a VM leaves only when somebody says so."""


def wait_for_vms(client: Client, ids: Iterable[int], goals: Collection[str], timeout_s: float) -> None:
    """Wait until each VM is in one of the states; what ends elsewhere is reported.

    :param goals: full names of states, or of LCM states of ACTIVE VMs; empty for any in which it rests
    """

    def look(wanted: Collection[int]) -> Mapping[int, Element]:
        pool = client.element("one.vmpool.infoset", ",".join(map(str, wanted)), False)
        return {int(item.findtext("ID", "-1")): item for item in pool}

    follower = Follower(
        client,
        "VM",
        look,
        lambda item: situation(item, goals or _RESTS),
        Situation(DONE, is_there=not goals or DONE in goals, problem="" if DONE in goals else "it is gone"),
        transfer_share(client, "one.vm.progress"),
    )
    follower.follow(ids, timeout_s)


def situation(item: Element, goals: Collection[str]) -> Situation:
    """Return how a VM stands on its way to one of the states."""
    state = vm_state(item)
    if state in goals:
        return Situation(state, is_there=True)
    error = item.findtext("USER_TEMPLATE/ERROR") or "see its log, 'onevm log'"
    if state in _RESTS or state.endswith("_FAILURE"):
        return Situation(state, is_there=False, problem=error)
    note = item.findtext("USER_TEMPLATE/SCHED_MESSAGE") or "" if state == VmState.PENDING.name else ""
    return Situation(state, is_there=False, note=note)
