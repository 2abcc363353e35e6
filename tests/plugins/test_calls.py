from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from types import SimpleNamespace

import pytest

from opennebula_core.contracts.event import QuotaDemand, StateChange
from opennebula_core.contracts.method import ObjectKind, Session
from opennebula_core.errors import AuthorizationError, PluginError
from opennebula_core.hookspecs import impl
from opennebula_core.plugins import ask, ask_each, chain, create_hook_manager, gather, notify
from opennebula_core.plugins.hooks import HookManager

CHANGE = StateChange(1, ObjectKind.VM, 7, 1, 3)
SESSION = Session(2, "ada", 1, "users", frozenset({1}))
DEMAND = QuotaDemand(2, 1, ObjectKind.VM, {"VMS": 1})


def hooks_with(**plugins: object) -> HookManager:
    """Return the hooks with plugins, each an object with the function ``hook`` of the given name."""
    return create_hook_manager(plugins.items(), disabled=())


class Listener:
    def __init__(self, heard: list[str], name: str) -> None:
        self.heard, self.name = heard, name

    @impl
    def opennebula_state_changed(self, change: StateChange) -> None:
        self.heard.append(f"{self.name} {change.object_id}")


class BrokenListener:
    @impl
    def opennebula_state_changed(self) -> None:
        raise ValueError("out of paper")


def test_a_notification_reaches_every_plugin_though_one_fails(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[str] = []
    hooks = hooks_with(a=Listener(heard, "a"), broken=BrokenListener(), c=Listener(heard, "c"))

    notify(hooks.hook.opennebula_state_changed, change=CHANGE)

    assert heard == ["c 7", "a 7"]
    assert "plugin broken: failed in opennebula_state_changed" in caplog.text
    assert "out of paper" in caplog.text


def test_an_argument_that_the_caller_forgot_is_the_callers_fault() -> None:
    hooks = hooks_with(a=Listener([], "a"))

    with pytest.raises(KeyError, match="change"):
        notify(hooks.hook.opennebula_state_changed)


class Guard:
    def __init__(self, error: Exception | None) -> None:
        self.error = error

    @impl
    def opennebula_check_quota(self, demand: QuotaDemand) -> None:
        if self.error is not None:
            raise self.error


def test_a_refusal_reaches_the_caller_as_it_was_raised() -> None:
    hooks = hooks_with(quota=Guard(AuthorizationError("VM quota reached")), lenient=Guard(None))

    with pytest.raises(AuthorizationError, match=r"^VM quota reached$"):
        ask(hooks.hook.opennebula_check_quota, session=SESSION, demand=DEMAND)


def test_a_guard_that_fails_refuses_and_is_named() -> None:
    hooks = hooks_with(quota=Guard(ZeroDivisionError("division by zero")))

    with pytest.raises(PluginError) as caught:
        ask(hooks.hook.opennebula_check_quota, session=SESSION, demand=DEMAND)

    assert str(caught.value) == (
        "ask plugin 'quota' in opennebula_check_quota: ZeroDivisionError: division by zero; "
        "upgrade it, or put 'quota' into [plugins] disabled"
    )
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


class SlowGuard:
    @impl
    def opennebula_check_quota(self) -> None:
        until = time.perf_counter() + 0.006
        while time.perf_counter() < until:
            continue

    @impl
    def opennebula_state_changed(self) -> None:
        self.opennebula_check_quota()


def test_a_plugin_that_is_slow_inside_a_transaction_is_named(caplog: pytest.LogCaptureFixture) -> None:
    hooks = hooks_with(slow=SlowGuard())

    with caplog.at_level(logging.WARNING):
        ask(hooks.hook.opennebula_check_quota, session=SESSION, demand=DEMAND)

    assert "plugin slow: took " in caplog.text
    assert "in opennebula_check_quota, inside a transaction" in caplog.text


def test_a_plugin_may_be_slow_outside_transactions(caplog: pytest.LogCaptureFixture) -> None:
    notify(hooks_with(slow=SlowGuard()).hook.opennebula_state_changed, change=CHANGE)

    assert "took" not in caplog.text


class Editor:
    def __init__(self, text: str | None) -> None:
        self.text = text

    @impl
    def opennebula_change_deployment(self, description: str) -> str | None:
        return None if self.text is None else description + self.text


def test_each_editor_sees_what_the_one_before_has_made() -> None:
    hooks = hooks_with(last=Editor(" last"), silent=Editor(None), first=Editor(" first"))
    hook = hooks.hook.opennebula_change_deployment

    assert chain(hook, "description", vm_id=7, driver="kvm", description="text") == "text first last"


def test_without_plugins_a_chain_returns_what_it_was_given() -> None:
    hook = create_hook_manager().hook.opennebula_change_deployment

    assert chain(hook, "description", vm_id=7, driver="kvm", description="text") == "text"


class Contributor:
    def __init__(self, answer: Mapping[str, str] | Exception | None) -> None:
        self.answer = answer

    @impl
    def opennebula_contribute_host_attributes(self) -> Mapping[str, str] | None:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_gathering_leaves_out_those_that_fail_and_those_that_have_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hooks = hooks_with(
        gpu=Contributor({"GPUS": "2"}), none=Contributor(None), broken=Contributor(OSError("no bus"))
    )
    hook = hooks.hook.opennebula_contribute_host_attributes

    assert gather(hook, host_id=1, hostname="host01", attributes={}) == [("gpu", {"GPUS": "2"})]
    assert "plugin broken: failed in opennebula_contribute_host_attributes" in caplog.text


def test_answers_come_with_the_names_of_those_who_gave_them() -> None:
    hook = hooks_with(gpu=Contributor({"GPUS": "2"})).hook.opennebula_contribute_host_attributes

    assert list(ask_each(hook, host_id=1, hostname="h", attributes={})) == [("gpu", {"GPUS": "2"})]


def test_tryfirst_and_trylast_decide_the_order() -> None:
    order: list[str] = []

    def plugin(name: str, *, tryfirst: bool = False, trylast: bool = False) -> object:
        def opennebula_state_changed() -> None:
            order.append(name)

        marked = impl(tryfirst=tryfirst, trylast=trylast)(opennebula_state_changed)
        return SimpleNamespace(opennebula_state_changed=marked)

    hooks = hooks_with(first=plugin("first", tryfirst=True), last=plugin("last", trylast=True), c=plugin("c"))

    notify(hooks.hook.opennebula_state_changed, change=CHANGE)

    assert order == ["first", "c", "last"]
