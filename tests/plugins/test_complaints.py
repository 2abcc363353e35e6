from __future__ import annotations

import logging
import queue

import pytest

from opennebula_core.contracts.event import StateChange
from opennebula_core.contracts.method import ObjectKind
from opennebula_core.hookspecs import impl
from opennebula_core.plugins import create_hook_manager, notify
from opennebula_core.plugins.complaints import QUIET_S, Complaints, patience, repeated


def test_the_first_is_told_and_those_of_the_next_minute_are_counted() -> None:
    now_s = 0.0
    complaints = Complaints(lambda: now_s)

    assert [complaints.is_due("a"), complaints.is_due("a"), complaints.is_due("b")] == [0, None, 0]
    now_s = QUIET_S
    assert complaints.is_due("a") == 1
    assert repeated(1) == " (1 times more since the last such line)"
    assert repeated(0) == ""


def test_a_plugin_that_fails_at_every_call_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        @impl
        def opennebula_state_changed(self) -> None:
            raise ValueError("out of paper")

    hooks = create_hook_manager([("broken", Broken())])
    for number in range(100):
        notify(hooks.hook.opennebula_state_changed, change=StateChange(number, ObjectKind.VM, 7, 1, 3))

    assert caplog.text.count("plugin broken: failed in opennebula_state_changed") == 1


def test_one_that_holds_up_the_start_is_named_while_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opennebula_core.plugins.complaints.PATIENCE_S", 0.01)
    said: queue.Queue[str] = queue.Queue()

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.put(record.getMessage())

    handler = Handler()
    monkeypatch.setattr(logging.getLogger("opennebula_core.plugins.complaints"), "handlers", [handler])
    with patience("plugin 'acme' of acme 1.0", "importing it", "acme"):
        text = said.get(timeout=10)

    assert text.startswith("plugin 'acme' of acme 1.0: importing it takes more than")
    assert text.endswith("one plugin disable plugins acme --force")
