"""A plan as a value: ordered steps, each one request to a driver, and where the VM is while each runs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from opennebula_core.model.states import LcmState, VmState

PLAN_VERSION = 1
"""Version of the stored form; a plan of an unknown version is not run but fails for recover."""


class PlanStatus(StrEnum):
    """Whether a plan goes on."""

    ACTIVE = "active"
    DONE = "done"
    FAILED = "failed"
    ABANDONED = "abandoned"


class Target(StrEnum):
    """Which stay (history record) of the VM a step works on."""

    LAST = "last"
    PREVIOUS = "previous"


@dataclass(frozen=True, slots=True)
class Step:
    """One request to a driver.

    :param kind: ``vmm`` or ``tm``, or the kind of a plugin's step
    :param action: the VMM action (``DEPLOY``), or the transfer phase (``prolog``)
    :param lcm_state: what the VM shows while the step runs
    :param at_most_once: never sent again; without an outcome it counts as failed
    :param failure_is_fine: the plan goes on whatever the driver answers
    :param arguments: what only this step needs, JSON values
    """

    kind: str
    action: str
    lcm_state: LcmState
    target: Target = Target.LAST
    at_most_once: bool = False
    failure_is_fine: bool = False
    arguments: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> list[Any]:
        """Return the stored form."""
        return [
            self.kind,
            self.action,
            int(self.lcm_state),
            str(self.target),
            int(self.at_most_once),
            int(self.failure_is_fine),
            self.arguments,
        ]

    @classmethod
    def from_json(cls, stored: list[Any]) -> Step:
        """Return the step of a stored form."""
        kind, action, lcm_state, target, once, fine, arguments = stored
        return cls(kind, action, LcmState(lcm_state), Target(target), bool(once), bool(fine), arguments)


@dataclass(frozen=True, slots=True)
class Plan:
    """An operation on a VM.

    :param end: STATE and LCM_STATE after the last step
    :param step: index of the step under way
    :param attempt: how often it has been sent, from 1
    """

    vm_id: int
    operation: str
    steps: tuple[Step, ...]
    end: tuple[VmState, LcmState]
    id: int = -1
    status: PlanStatus = PlanStatus.ACTIVE
    step: int = 0
    attempt: int = 1
    error: str = ""
    version: int = PLAN_VERSION

    @property
    def current(self) -> Step:
        """The step under way."""
        return self.steps[self.step]

    @property
    def is_known(self) -> bool:
        """Whether this release knows what the steps mean."""
        return self.version == PLAN_VERSION

    @property
    def is_last_step(self) -> bool:
        """The step under way is the last one."""
        return self.step == len(self.steps) - 1

    def body(self) -> str:
        """Return what the table keeps of steps and end, as JSON."""
        stored = {"steps": [step.to_json() for step in self.steps], "end": [int(state) for state in self.end]}
        return json.dumps(stored, separators=(",", ":"))

    def next(self) -> Plan:
        """Return the plan at its next step."""
        return replace(self, step=self.step + 1, attempt=1)

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Plan:
        """Return the plan of a table row; see :data:`opennebula_core.plans.table.COLUMNS`."""
        plan_id, vm_id, operation, version, status, step, attempt, body, error = row
        if version == PLAN_VERSION:
            stored = json.loads(body)
            state, lcm_state = stored["end"]
            steps = tuple(Step.from_json(item) for item in stored["steps"])
        else:  # what its body means is not known: the executor refuses each of these steps
            state, lcm_state = VmState.ACTIVE, LcmState.LCM_INIT
            steps = (Step("vmm", f"a step of version {version}", LcmState.LCM_INIT),) * (step + 1)
        return cls(
            vm_id=vm_id,
            operation=operation,
            steps=steps,
            end=(VmState(state), LcmState(lcm_state)),
            id=plan_id,
            status=PlanStatus(status),
            step=step,
            attempt=attempt,
            error=error,
            version=version,
        )
