"""Who may do what a scheduled action does: whoever writes it then, and the VM's owner when it is due.

It is carried out with the owner's rights, since it belongs to the VM and goes with it to a new owner; whoever
writes one must have all rights that it needs himself, so that nobody lets an owner do what he may not.
"""

from __future__ import annotations

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.contracts.method import Access, Method, Session
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import AuthorizationError
from opennebula_core.managers.rights import require, require_on_pool
from opennebula_core.managers.schedule.actions import find_action
from opennebula_core.managers.schedule.calls import call_of
from opennebula_core.model.objects import Vm


def authorise_action(
    tx: Transaction, session: Session, registry: ManagerRegistry, vm: Vm, action_id: int
) -> None:
    """Check that whoever has written an action of a VM might do it himself now.

    What no manager can do is not looked at: it says so when it is due.

    :raises AuthorizationError: he may not
    """
    action = find_action(vm, action_id)
    call = call_of(vm.id, action["ACTION"], action.get("ARGS", ""))
    method = registry.methods.get(call.method)
    if method is not None and not isinstance(method.needs, Access):
        authorise_call(tx, session, method, call.parameters)


def authorise_call(tx: Transaction, session: Session, method: Method, parameters: tuple[object, ...]) -> None:
    """Check the rights that a call needs, as if its caller had sent it.

    :raises AuthorizationError: he has not all of them
    """
    if isinstance(method.needs, Access):
        raise AuthorizationError(f"{method.name} cannot be called by a scheduled action")
    names = [param.name for param in method.params]
    for need in method.needs:
        if need.param is None:
            require_on_pool(tx, session, need.kind, need.right)
            continue
        object_id = parameters[names.index(need.param)]
        assert isinstance(object_id, int)
        if need.optional_below is None or object_id >= need.optional_below:
            require(tx, session, need.kind, need.right, object_id)
