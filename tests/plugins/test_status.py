from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from opennebula_core.plugins import PluginStatus, describe_all

Install = Callable[..., str]
POLICY = """
from opennebula_core.contracts.scheduler import SchedulerPolicy
print("a plugin may print")

class Policy(SchedulerPolicy):
    def rank(self, vm, hosts, round):
        return [1.0 for host in hosts]
"""
LIMIT = timedelta(seconds=30)


def offer(name: str) -> dict[str, dict[str, str]]:
    return {"opennebula.scheduler": {name: "MODULE:Policy"}}


def statuses(kind: str = "scheduler", limit: timedelta = LIMIT) -> dict[str, PluginStatus]:
    return {status.info.name: status for status in describe_all([kind], limit=limit)}


def test_what_works_is_shown_with_what_it_can_do(install: Install) -> None:
    install("acme-sched", offer("acme"), POLICY)

    status = statuses()["acme"]

    assert (status.info.distribution, status.info.version) == ("acme-sched", "1.2")
    assert status.actions == ("rank",)
    assert status.error == ""


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise ValueError('no licence')", "ValueError: no licence"),
        ("import os; os._exit(3)", "importing it ended the process with exit status 3"),
        ("import os; os.abort()", "importing it ended the process with signal SIGABRT"),
    ],
    ids=["raises", "exits", "crashes"],
)
def test_one_that_breaks_on_import_hides_no_other(install: Install, source: str, reason: str) -> None:
    install("acme-a", offer("a"), source)
    install("acme-b", offer("b"), POLICY)

    found = statuses()

    assert f"load scheduler plugin 'a' of acme-a 1.2: {reason}" in found["a"].error
    assert found["b"].error == ""


def test_one_that_hangs_on_import_is_stopped(install: Install) -> None:
    install("acme-a", offer("a"), "import threading; threading.Event().wait()")
    install("acme-b", offer("b"), POLICY)

    found = statuses(limit=timedelta(seconds=3))

    assert "importing it took more than 3 s; upgrade acme-a, or uninstall it" in found["a"].error
    assert found["b"].error == ""


def test_a_thread_that_is_left_running_holds_nothing_up(install: Install) -> None:
    background = "import threading; threading.Thread(target=threading.Event().wait).start()\n"
    install("acme-a", offer("a"), background + POLICY)

    assert statuses()["a"].error == ""


def test_two_of_one_name_are_both_shown_with_the_conflict(install: Install) -> None:
    install("acme-sched", offer("acme"), POLICY)
    install("other-sched", offer("acme"), POLICY)

    found = [status for status in describe_all(["scheduler"]) if status.info.name == "acme"]

    assert [status.info.distribution for status in found] == ["acme-sched", "other-sched"]
    assert all("acme-sched 1.2 and other-sched 1.2 both offer that name" in status.error for status in found)


def test_plugins_are_shown_with_their_hooks_and_disabled_ones_as_such(install: Install) -> None:
    source = """
from opennebula_core.hookspecs import impl

@impl
def opennebula_state_changed(change): ...
"""
    group = {"opennebula.plugins": {"audit": "MODULE", "quiet": "MODULE", "broken": "MODULE:absent"}}
    install("acme-audit", group, source)

    found = {status.info.name: status for status in describe_all(["plugins"], disabled=["quiet"])}

    assert found["audit"].actions == ("opennebula_state_changed",)
    assert found["quiet"].is_disabled
    assert "has no attribute 'absent'" in found["broken"].error
