"""Waiting for VMs."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element

from opennebula_core.cli.endpoint import own_location
from opennebula_core.cli.messages import report
from opennebula_core.cli.states import has_failed, vm_state
from opennebula_core.cli.waiting import Follower, Situation, transfer_share
from opennebula_core.client import Client
from opennebula_core.model.states import LcmState, VmState

SCHEDULER: Final = "onesched"
PATIENCE_S: Final = 1
"""A scheduler that runs has placed most VMs within this time."""
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
        "onevm",
        look,
        lambda item: situation(item, goals or _RESTS),
        Situation(DONE, is_there=not goals or DONE in goals, problem="" if DONE in goals else "it is gone"),
        transfer_share(client, "one.vm.progress"),
    )
    follower.follow(ids, timeout_s)


def wait_for_changes(client: Client, ids: Iterable[int], timeout_s: float) -> None:
    """Wait until the VMs rest again that are being changed; what the drivers could not do is reported."""
    changed = list(ids)
    wait_for_vms(client, changed, (), timeout_s)
    for vm_id in changed:
        error = client.element("one.vm.info", vm_id).findtext("USER_TEMPLATE/ERROR")
        if error:
            report(f"VM {vm_id}: {error}")


def situation(item: Element, goals: Collection[str]) -> Situation:
    """Return how a VM stands on its way to one of the states."""
    state = vm_state(item)
    if state in goals:
        return Situation(state, is_there=True)
    error = item.findtext("USER_TEMPLATE/ERROR") or "see its log, 'onevm log'"
    if state in _RESTS or has_failed(item):
        return Situation(state, is_there=False, problem=error)
    note = pending_note(item) if state == VmState.PENDING.name else ""
    return Situation(state, is_there=False, note=note)


def pending_note(item: Element) -> str:
    """Return why a VM is not placed yet, as far as that is known."""
    location = own_location(os.environ)
    # The scheduler of a cloud elsewhere cannot be seen from here.
    if location is not None and time.time() - int(item.findtext("STIME", "0")) > PATIENCE_S:
        # Loaded here: whoever waits has the time, and other commands do not.
        configuration: Any = importlib.import_module("opennebula_core.config.location")
        pid_file: Any = importlib.import_module("opennebula_core.config.pid_file")
        if not pid_file.running_pid(configuration.Location.at(location), SCHEDULER):
            return "no scheduler runs, so that nothing is placed: 'one start' starts it"
    return item.findtext("USER_TEMPLATE/SCHED_MESSAGE") or ""
