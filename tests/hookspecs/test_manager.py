from __future__ import annotations

import pytest

from opennebula_core.api.request_hooks import RequestHooks
from opennebula_core.contracts.event import QuotaDemand, RequestOutcome, StateChange
from opennebula_core.contracts.manager import HttpRequest, HttpResponse, ManagerRegistry
from opennebula_core.contracts.method import ObjectKind, Session
from opennebula_core.errors import AuthorizationError
from opennebula_core.hookspecs import impl
from opennebula_core.managers.hooks import CoreHooks
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.plugins import ask, create_hook_manager

SESSION = Session(2, "ada", 1, "users", frozenset({1}))


class Page:
    @impl
    def opennebula_register_manager(self, registry: ManagerRegistry) -> None:
        registry.add_route("/page", self.answer)

    @staticmethod
    async def answer(request: HttpRequest) -> HttpResponse:
        return HttpResponse()


def test_hook_opennebula_register_manager_adds_to_the_core() -> None:
    registry = ManagerRegistry()

    create_hook_manager([("page", Page())]).register_managers(registry)

    assert registry.routes == {"/page": Page.answer}


class Curfew:
    @impl
    def opennebula_before_request(
        self, session: Session, method: str, parameters: tuple[object, ...]
    ) -> None:
        if method == "one.vm.allocate":
            raise AuthorizationError(f"{session.user_name} may not start {parameters[0]} at night")


def test_hook_opennebula_before_request_may_refuse() -> None:
    hooks = RequestHooks(create_hook_manager([("curfew", Curfew())]))

    hooks.before_request(SESSION, "one.vm.info", (7,))

    with pytest.raises(AuthorizationError, match="ada may not start NAME=web at night"):
        hooks.before_request(SESSION, "one.vm.allocate", ("NAME=web",))


class TwoVms:
    @impl
    def opennebula_check_quota(self, session: Session, demand: QuotaDemand) -> None:
        if demand.resources["VMS"] > 2:
            raise AuthorizationError(f"user {session.user_id} may have 2 VMs")


def test_hook_opennebula_check_quota_may_refuse() -> None:
    hook = create_hook_manager([("quota", TwoVms())]).hook.opennebula_check_quota

    ask(hook, session=SESSION, demand=QuotaDemand(2, 1, ObjectKind.VM, {"VMS": 2}))

    with pytest.raises(AuthorizationError, match="user 2 may have 2 VMs"):
        ask(hook, session=SESSION, demand=QuotaDemand(2, 1, ObjectKind.VM, {"VMS": 3}))


class States:
    def __init__(self) -> None:
        self.changes: list[StateChange] = []

    @impl
    def opennebula_state_changed(self, change: StateChange) -> None:
        self.changes.append(change)


def test_hook_opennebula_state_changed_is_told() -> None:
    states = States()
    change = StateChange(
        9, ObjectKind.VM, 7, VmState.PENDING, VmState.ACTIVE, LcmState.LCM_INIT, LcmState.PROLOG
    )

    CoreHooks(create_hook_manager([("states", states)])).state_changed(change)

    assert states.changes == [change]


class Times:
    def __init__(self) -> None:
        self.outcomes: list[RequestOutcome] = []

    @impl
    def opennebula_request_done(self, outcome: RequestOutcome) -> None:
        self.outcomes.append(outcome)


def test_hook_opennebula_request_done_is_told() -> None:
    times = Times()
    outcome = RequestOutcome("one.vm.info", 2, 0, "", 0.001)

    RequestHooks(create_hook_manager([("times", times)])).request_done(outcome)

    assert times.outcomes == [outcome]
