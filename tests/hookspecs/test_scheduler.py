from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from opennebula_core.contracts.scheduler import Cloud, Decision, HostView, PendingVm, Placement
from opennebula_core.errors import OpenNebulaError
from opennebula_core.hookspecs import impl
from opennebula_core.model.states import HostState
from opennebula_core.plugins import create_hook_manager
from opennebula_core.scheduling.extensions import HookExtensions
from opennebula_core.scheduling.runner import Summary

VM = PendingVm(7, "web", 2, 1, frozenset({1}), 100, 1024)
HOSTS = tuple(HostView(n, f"host{n}", HostState.MONITORED, 0, "default", 400, 4096) for n in range(3))


def extensions(plugin: object) -> HookExtensions:
    return HookExtensions(create_hook_manager([("plugin", plugin)]))


class NoFirstHost:
    @impl
    def opennebula_filter_hosts(self, hosts: Sequence[HostView]) -> Mapping[int, str] | None:
        return {host.id: "kept free" for host in hosts if host.id == 0}


class BrokenFilter:
    @impl
    def opennebula_filter_hosts(self, vm: PendingVm) -> Mapping[int, str] | None:
        raise KeyError(vm.name)


def test_hook_opennebula_filter_hosts_rejects() -> None:
    assert extensions(NoFirstHost()).reject(VM, HOSTS) == {0: "kept free"}


def test_hook_opennebula_filter_hosts_that_fails_rejects_all() -> None:
    assert set(extensions(BrokenFilter()).reject(VM, HOSTS)) == {0, 1, 2}


class Answers:
    """Answers whatever it was given."""

    def __init__(self, answer: object) -> None:
        self._answer = answer

    @impl
    def opennebula_filter_hosts(self) -> Any:
        return self._answer

    @impl
    def opennebula_rank_hosts(self) -> Any:
        return self._answer


@pytest.mark.parametrize("answer", [{"x": "no id"}, {None: ""}, {float("inf"): ""}, [0], "abc", 5])
def test_a_filter_that_answers_rubbish_rejects_all_and_is_named_once(
    answer: object, caplog: pytest.LogCaptureFixture
) -> None:
    broken = extensions(Answers(answer))

    assert [set(broken.reject(VM, HOSTS)) for _ in range(3)] == [{0, 1, 2}] * 3

    assert caplog.text.count("ask plugin 'plugin' for a filter") == 1


class PreferHighIds:
    @impl
    def opennebula_rank_hosts(self, hosts: Sequence[HostView]) -> Sequence[float] | None:
        return [float(host.id) for host in hosts]


def test_hook_opennebula_rank_hosts_adds_a_term() -> None:
    assert extensions(PreferHighIds()).rank(VM, HOSTS) == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("answer", ["123", [1.0], [1, None, 2], [1, 2, float("nan")], {0: 1, 1: 2, 2: 3}, 5])
def test_a_rank_that_is_rubbish_adds_nothing_and_is_named_once(
    answer: object, caplog: pytest.LogCaptureFixture
) -> None:
    broken = extensions(Answers(answer))

    assert [broken.rank(VM, HOSTS) for _ in range(3)] == [[0.0] * 3] * 3

    assert caplog.text.count("plugin plugin: answered") == 1


class OneAtATime:
    @impl
    def opennebula_before_placement_round(self, cloud: Cloud, vms: Sequence[PendingVm]) -> None:
        if len(vms) > len(cloud.hosts):
            raise OpenNebulaError("more VMs than hosts")


def test_hook_opennebula_before_placement_round_may_refuse() -> None:
    hooks = extensions(OneAtATime())

    hooks.before_round(Cloud((VM,), HOSTS), [VM])

    with pytest.raises(OpenNebulaError, match="more VMs than hosts"):
        hooks.before_round(Cloud((VM, VM), HOSTS[:1]), [VM, VM])


class Report:
    def __init__(self) -> None:
        self.decisions: Sequence[Decision] = ()

    @impl
    def opennebula_placement_round_done(self, decisions: Sequence[Decision], duration_s: float) -> None:
        assert duration_s > 0
        self.decisions = decisions


def test_hook_opennebula_placement_round_done_is_told() -> None:
    report = Report()
    summary = Summary()
    summary.decisions.append(Placement(7, 2))

    extensions(report).round_done(summary, 0.5)

    assert report.decisions == (Placement(7, 2),)
