"""The API methods of scheduled actions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.contracts.method import Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.transaction import Transaction
from opennebula_core.managers.objects import parse_text
from opennebula_core.managers.schedule.actions import add_action, change_action, delete_action
from opennebula_core.managers.schedule.authorisation import authorise_action
from opennebula_core.model.template import Template

_NEEDS: Final = (Need(ObjectKind.VM, Right.MANAGE, "id"),)


def schedule_methods(registry: ManagerRegistry) -> Iterable[Method]:
    """Return ``one.vm.schedadd``, ``schedupdate`` and ``scheddelete``.

    :param registry: its methods are what actions call
    """

    def add(tx: Transaction, session: Session, vm_id: int, given: Template) -> int:
        vm = tx.vms.get(vm_id)
        action_id = add_action(tx, vm, given)
        authorise_action(tx, session, registry, vm, action_id)
        return action_id

    def change(tx: Transaction, session: Session, vm_id: int, action_id: int, given: Template) -> int:
        vm = tx.vms.get(vm_id)
        change_action(tx, vm, action_id, given)
        authorise_action(tx, session, registry, vm, action_id)
        return action_id

    yield Method(
        "one.vm.schedadd",
        (Param("id", int), Param("template", str)),
        _NEEDS,
        Mode.WRITE,
        add,
        "Add a scheduled action, SCHED_ACTION=[ACTION=..., TIME=...]; returns its id.",
        lambda vm_id, text: (vm_id, parse_text(text)),
    )
    yield Method(
        "one.vm.schedupdate",
        (Param("id", int), Param("sched", int), Param("template", str)),
        _NEEDS,
        Mode.WRITE,
        change,
        "Change attributes of a scheduled action; it is due at its TIME again.",
        lambda vm_id, action_id, text: (vm_id, action_id, parse_text(text)),
    )
    yield Method(
        "one.vm.scheddelete",
        (Param("id", int), Param("sched", int)),
        _NEEDS,
        Mode.WRITE,
        _delete,
        "Remove a scheduled action.",
    )


def _delete(tx: Transaction, session: Session, vm_id: int, action_id: int) -> int:
    delete_action(tx, tx.vms.get(vm_id), action_id)
    return vm_id
