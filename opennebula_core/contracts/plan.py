"""A plan's steps, as hooks see them and add to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from opennebula_core.errors import PluginError


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One request to one driver in the course of an operation on a VM.

    An added step names the step that it comes before or after by that step's action; with neither it comes
    last. It fails the operation when it fails, as any other step does.

    :param kind: ``vmm`` or ``tm`` for a driver's step, or a kind that a plugin carries out in the core
        (:meth:`~opennebula_core.contracts.manager.ManagerRegistry.add_step_kind`)
    :param driver: the driver's name, such as ``kvm``
    :param action: what is asked: an action such as ``DEPLOY``, for ``tm`` the phase such as ``prolog``
    :param parameters: what a plugin's step needs beside the VM, by name
    :param before: action of the step before which an added step comes
    :param after: action of the step after which an added step comes
    """

    kind: str
    driver: str
    action: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    before: str = ""
    after: str = ""


def insert_steps(steps: Sequence[PlanStep], added: Iterable[PlanStep]) -> tuple[PlanStep, ...]:
    """Return the steps with the added ones at the places that they name.

    Of several steps with one place, the order in which they were added stays.

    :raises PluginError: a step names a place that the plan does not have, or two
    """
    result = list(steps)
    followers: dict[str, int] = {}
    for step in added:
        if step.before and step.after:
            raise PluginError(
                f"add step {step.action} to a plan: it names both before={step.before!r} and "
                f"after={step.after!r}; name one"
            )
        position = _position(result, step)
        if step.after:
            position += followers.get(step.after, 0)
            followers[step.after] = followers.get(step.after, 0) + 1
        result.insert(position, step)
    return tuple(result)


def _position(steps: Sequence[PlanStep], step: PlanStep) -> int:
    anchor = step.before or step.after
    if not anchor:
        return len(steps)
    for index, present in enumerate(steps):
        if present.action == anchor:
            return index if step.before else index + 1
    actions = ", ".join(present.action for present in steps)
    raise PluginError(f"add step {step.action} to a plan: it has no step {anchor!r}; its steps are {actions}")
