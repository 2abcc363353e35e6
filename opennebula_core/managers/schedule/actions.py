"""The scheduled actions of a VM: SCHED_ACTION vectors in its template, and a row each that says when.

Source of the attributes: OpenNebula 6.10, VM document.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import ActionError, InternalError
from opennebula_core.managers.schedule.calls import call_of
from opennebula_core.model.objects import Vm
from opennebula_core.model.schedules import End, Schedule, ScheduleError
from opennebula_core.model.states import VmState
from opennebula_core.model.template import Template, Vector

NAME: Final = "SCHED_ACTION"
MAX_ACTIONS: Final = 100
"""Of one VM: each change of the VM writes all of them."""
_GIVEN: Final = ("ACTION", "ARGS", "TIME", "REPEAT", "DAYS", "END_TYPE", "END_VALUE", "WARNING")
_REPEATING: Final = ("DAYS", "END_TYPE", "END_VALUE")


def take_over_actions(tx: Transaction, vm: Vm) -> None:
    """Check and number the actions that a new VM's template brings; the caller inserts the VM.

    :raises InternalError: one of them says no moment, or nothing that can be done
    """
    given = vm.template.vectors(NAME)
    vm.template.remove(NAME)
    for action in given:
        _insert(tx, vm, action)


def add_action(tx: Transaction, vm: Vm, given: Template) -> int:
    """Add an action to a VM, save it, and return the action's id.

    :raises InternalError: the text says no moment, or nothing that can be done
    """
    _check_alive(vm)
    action_id = _insert(tx, vm, _only(given))
    tx.vms.save(vm)
    return action_id


def change_action(tx: Transaction, vm: Vm, action_id: int, given: Template) -> int:
    """Let attributes of an action take the place of those that it has; an empty one removes it.

    What has been done or has failed is forgotten: the action is due at its TIME again.
    """
    _check_alive(vm)
    action = find_action(vm, action_id)
    changed = {**action, **_only(given)}
    if "REPEAT" in changed and not changed["REPEAT"]:
        changed.update(dict.fromkeys(_REPEATING, ""))
    _write(tx, vm, action, changed)
    tx.vms.save(vm)
    return action_id


def delete_action(tx: Transaction, vm: Vm, action_id: int) -> None:
    """Remove an action from a VM and save it."""
    vm.template.discard(NAME, find_action(vm, action_id))
    tx.execute("DELETE FROM sched_action WHERE id = ?", (action_id,))
    tx.vms.save(vm)


def find_action(vm: Vm, action_id: int) -> Vector:
    """Return an action of a VM; changes to it change the VM's template.

    :raises ActionError: it has none with that id
    """
    for action in vm.template.vectors(NAME):
        if action.get("ID") == str(action_id):
            return action
    raise ActionError(f"Sched action doesn't exist, ID: {action_id}", vm.id)


def mark_done(tx: Transaction, vm: Vm, action: Vector) -> None:
    """Note that an action is being carried out now, and when it comes again; the caller saves the VM."""
    schedule = Schedule.of(action, vm.stime)
    action["DONE"] = str(tx.now)
    action.pop("MESSAGE", None)
    following = schedule.next_after(tx.now)
    if schedule.end is End.TIMES:
        left = schedule.end_value - 1
        action["END_VALUE"] = str(left)
        following = following if left > 0 else None
    if following is not None:
        action["TIME"] = str(following)
    tx.execute("UPDATE sched_action SET due = ? WHERE id = ?", (following, int(action["ID"])))


def _check_alive(vm: Vm) -> None:
    if vm.state is VmState.DONE:
        raise ActionError("Sched actions are not available for state DONE", vm.id)


def _only(given: Template) -> Vector:
    vectors = given.vectors(NAME)
    if len(vectors) != 1:
        raise InternalError(
            f"the template has {len(vectors)} {NAME} vectors; write one, {NAME}=[ACTION=..., TIME=...]"
        )
    return vectors[0]


def _insert(tx: Transaction, vm: Vm, given: Mapping[str, str]) -> int:
    if len(vm.template.vectors(NAME)) >= MAX_ACTIONS:
        raise InternalError(f"VM {vm.id} has {MAX_ACTIONS} scheduled actions, which is the most; delete some")
    action_id = tx.next_id("sched_action")
    vm.template.add(NAME, {"ID": str(action_id), "PARENT_ID": str(vm.id), "TYPE": "VM"})
    action = vm.template.vectors(NAME)[-1]
    _write(tx, vm, action, given)
    return action_id


def _write(tx: Transaction, vm: Vm, action: Vector, given: Mapping[str, str]) -> None:
    """Check what an action shall be, and make it so."""
    kept = {name: given[name].strip() for name in _GIVEN if given.get(name, "").strip()}
    call_of(vm.id, kept.get("ACTION", ""), kept.get("ARGS", ""))
    try:
        schedule = Schedule.of(kept, vm.stime)
    except ScheduleError as error:
        raise InternalError(f"{NAME} of VM {vm.id}: {error}") from None
    _check_warning(kept.get("WARNING", ""))
    identity = {name: action[name] for name in ("ID", "PARENT_ID", "TYPE")}
    action.clear()
    action.update(identity)
    action.update(kept)
    _write_moments(action, schedule)
    row = (int(action["ID"]), vm.id, schedule.first)
    tx.execute("INSERT OR REPLACE INTO sched_action (id, vm_id, due) VALUES (?, ?, ?)", row)


def _write_moments(action: Vector, schedule: Schedule) -> None:
    for name in ("REPEAT", *_REPEATING):
        action.pop(name, None)
    action["TIME"] = str(schedule.first)
    if schedule.repeat is None:
        return
    action["REPEAT"], action["END_TYPE"] = str(int(schedule.repeat)), str(int(schedule.end))
    action["DAYS"] = ",".join(map(str, schedule.days))
    if schedule.end is not End.NEVER:
        action["END_VALUE"] = str(schedule.end_value)


def _check_warning(text: str) -> None:
    digits = text.lstrip("+-")
    if text and not (digits.isascii() and digits.isdecimal()):
        raise InternalError(f"WARNING is {text!r}; write seconds")
