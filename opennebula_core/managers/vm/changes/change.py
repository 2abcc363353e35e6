"""What a change to a VM means once its driver has answered.

A change books what it needs, and marks in the VM's document what it is about, in the transaction that begins
its plan; what follows is decided by the outcome, in the outcome's transaction. A plan that ends without one
because the VM is deleted or recreated counts as a failure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from opennebula_core.db.transaction import Transaction
from opennebula_core.model.objects import Vm
from opennebula_core.plans.plan import Plan, Step


class Change(Protocol):
    """The two ends of a change; the caller saves the VM."""

    def done(self, tx: Transaction, vm: Vm, step: Step, info: str) -> None:
        """Keep what was changed.

        :param info: what the driver answered
        """

    def undone(self, tx: Transaction, vm: Vm, step: Step) -> None:
        """Give back what was booked: nothing was changed."""


Changes = Mapping[str, Change]
"""The changes by the operation that their plans carry."""

_OWN_KINDS: Final = ("vmm", "tm")


def is_own(step: Step) -> bool:
    """Return whether a step is the change itself: it has one; the others were added by plugins."""
    return step.kind in _OWN_KINDS


def give_up(changes: Changes, tx: Transaction, vm: Vm, plan: Plan) -> bool:
    """Undo the change that a plan which ends early has not made; return whether it is the plan of a change.

    What fails behind the change itself, a plugin's step, undoes nothing.
    """
    change = changes.get(plan.operation)
    if change is None:
        return False
    for step in plan.steps[plan.step :]:
        if is_own(step):
            change.undone(tx, vm, step)
    return True
