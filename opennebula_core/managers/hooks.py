"""The hooks as the managers call them, each with its rule: ask, chain, or tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opennebula_core.contracts.event import QuotaDemand, StateChange
from opennebula_core.contracts.method import ObjectKind, Session
from opennebula_core.contracts.plan import PlanStep
from opennebula_core.errors import DriverError, OpenNebulaError
from opennebula_core.plugins import HookManager, ask_each, chain, gather, notify


class CoreHooks:
    """The plugins' hooks, called by the managers."""

    def __init__(self, manager: HookManager) -> None:
        self.manager = manager
        self._hook = manager.hook
        self._is_used = {
            name: bool(getattr(self._hook, name).get_hookimpls())
            for name in (
                "opennebula_before_driver_action",
                "opennebula_driver_action_done",
                "opennebula_change_deployment",
                "opennebula_add_plan_steps",
                "opennebula_contribute_host_attributes",
                "opennebula_state_changed",
                "opennebula_check_quota",
                "opennebula_before_request",
            )
        }

    def before_driver_action(self, kind: str, name: str, action: str, object_id: int) -> None:
        """Let plugins refuse a request to a driver.

        :raises DriverError: one did
        """
        if not self._is_used["opennebula_before_driver_action"]:
            return
        try:
            for _ in ask_each(
                self._hook.opennebula_before_driver_action,
                kind=kind,
                name=name,
                action=action,
                object_id=object_id,
            ):
                continue
        except OpenNebulaError as error:
            raise DriverError(f"{action} refused: {error}") from error

    def driver_action_done(
        self, kind: str, name: str, action: str, object_id: int, *, success: bool, info: str
    ) -> None:
        """Tell plugins how a request to a driver ended."""
        if self._is_used["opennebula_driver_action_done"]:
            notify(
                self._hook.opennebula_driver_action_done,
                kind=kind,
                name=name,
                action=action,
                object_id=object_id,
                success=success,
                info=info,
            )

    def change_deployment(self, vm_id: int, driver: str, description: str) -> str:
        """Return the deployment description as plugins have changed it.

        :raises DriverError: one refuses the deployment
        """
        if not self._is_used["opennebula_change_deployment"]:
            return description
        try:
            changed = chain(
                self._hook.opennebula_change_deployment,
                "description",
                vm_id=vm_id,
                driver=driver,
                description=description,
            )
        except OpenNebulaError as error:
            raise DriverError(f"deployment refused: {error}") from error
        return str(changed)

    def plan_steps(self, operation: str, vm_id: int, steps: Sequence[PlanStep]) -> list[PlanStep]:
        """Return the steps that plugins add to a plan.

        :raises OpenNebulaError: one refuses the operation
        """
        if not self._is_used["opennebula_add_plan_steps"]:
            return []
        added: list[PlanStep] = []
        for _, answer in ask_each(
            self._hook.opennebula_add_plan_steps, operation=operation, vm_id=vm_id, steps=tuple(steps)
        ):
            added.extend(step for step in _sequence(answer) if isinstance(step, PlanStep))
        return added

    def host_attributes(self, host_id: int, hostname: str, attributes: Mapping[str, str]) -> dict[str, str]:
        """Return the attributes that plugins add to a host's report."""
        if not self._is_used["opennebula_contribute_host_attributes"]:
            return {}
        added: dict[str, str] = {}
        for _, answer in gather(
            self._hook.opennebula_contribute_host_attributes,
            host_id=host_id,
            hostname=hostname,
            attributes=dict(attributes),
        ):
            if isinstance(answer, Mapping):
                added.update({str(name).upper(): str(value) for name, value in answer.items()})
        return added

    def before_request(self, session: Session, method: str, parameters: tuple[object, ...]) -> None:
        """Let plugins refuse a call that the core makes in the name of a user.

        :raises OpenNebulaError: one does
        """
        if self._is_used["opennebula_before_request"]:
            for _ in ask_each(
                self._hook.opennebula_before_request, session=session, method=method, parameters=parameters
            ):
                continue

    def check_quota(self, session: Session, kind: ObjectKind, **resources: int) -> None:
        """Let plugins refuse what a request is about to take from its owner's share.

        :raises OpenNebulaError: one does
        """
        if self._is_used["opennebula_check_quota"]:
            demand = QuotaDemand(session.user_id, session.group_id, kind, resources)
            for _ in ask_each(self._hook.opennebula_check_quota, session=session, demand=demand):
                continue

    def state_changed(self, change: StateChange) -> None:
        """Tell plugins of a change of state that is on disk."""
        if self._is_used["opennebula_state_changed"]:
            notify(self._hook.opennebula_state_changed, change=change)

    @property
    def hears_states(self) -> bool:
        """Some plugin wants to hear of changes of state."""
        return self._is_used["opennebula_state_changed"]


def _sequence(answer: object) -> Sequence[object]:
    return answer if isinstance(answer, Sequence) else ()
