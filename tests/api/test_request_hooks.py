from __future__ import annotations

import pytest

from opennebula_core.api.request_hooks import RequestHooks
from opennebula_core.contracts.event import RequestOutcome
from opennebula_core.contracts.kinds import PLUGINS
from opennebula_core.contracts.method import Session
from opennebula_core.errors import AuthorizationError, PluginError
from opennebula_core.hookspecs import impl
from opennebula_core.plugins import HookManager, PluginInfo

ALICE = Session(2, "alice", 1, "users", frozenset({1}))


class Guard:
    """Lets nobody delete, and falls over when asked about users."""

    def __init__(self) -> None:
        self.heard: list[RequestOutcome] = []

    @impl
    def opennebula_before_request(self, session: Session, method: str) -> None:
        if method.endswith(".delete"):
            raise AuthorizationError(f"{session.user_name} may not delete")
        if method.startswith("one.user."):
            raise ZeroDivisionError

    @impl
    def opennebula_request_done(self, outcome: RequestOutcome) -> None:
        self.heard.append(outcome)


def hooks_with(guard: object) -> RequestHooks:
    manager = HookManager()
    manager.register(PluginInfo.built_in(PLUGINS, "guard", guard), guard)
    return RequestHooks(manager)


def test_without_plugins_nothing_is_wanted() -> None:
    assert not RequestHooks(HookManager()).are_wanted
    assert hooks_with(Guard()).are_wanted


def test_a_plugin_may_refuse() -> None:
    hooks = hooks_with(Guard())
    hooks.before_request(ALICE, "one.vm.info", (1,))
    with pytest.raises(AuthorizationError, match="alice may not delete"):
        hooks.before_request(ALICE, "one.vm.delete", (1,))


def test_a_guard_that_falls_over_lets_nothing_pass() -> None:
    with pytest.raises(PluginError, match="guard"):
        hooks_with(Guard()).before_request(ALICE, "one.user.info", (1,))


def test_plugins_hear_of_outcomes() -> None:
    guard = Guard()
    outcome = RequestOutcome("one.vm.info", 2, 0, "", 0.1)
    hooks_with(guard).request_done(outcome)
    assert guard.heard == [outcome]
