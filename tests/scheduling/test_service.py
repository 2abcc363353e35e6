from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

import pytest

from opennebula_core.client import Client
from opennebula_core.contracts.scheduler import Decision, Limits, Round, SchedulerPolicy
from opennebula_core.errors import ConfigError
from opennebula_core.plugins import create_hook_manager
from opennebula_core.scheduling.extensions import HookExtensions
from opennebula_core.scheduling.loading import Charge
from opennebula_core.scheduling.service import Service
from opennebula_core.scheduling.watcher import Reload, Stop
from opennebula_core.testing.front_end import FrontEnd, FrontEndServer, serving
from opennebula_core.testing.scheduler import policy_context

RUNNING = (3, 3)


class FailingPolicy(SchedulerPolicy):
    """Fails in its first round."""

    rounds = 0

    def decide(self, round: Round) -> Iterator[Decision]:
        self.rounds += 1
        if self.rounds == 1:
            raise ZeroDivisionError("a fault of the policy")
        return super().decide(round)


class LastHost(SchedulerPolicy):
    """Prefers the highest id."""

    def rank(self, vm, hosts, round):  # type: ignore[no-untyped-def]
        return [host.id for host in hosts]


def charge(policy: SchedulerPolicy | None = None, *, interval_s: float = 60.0, max_host: int = 0) -> Charge:
    return Charge("mine", policy or SchedulerPolicy(policy_context()), Limits(max_host=max_host), interval_s)


@contextmanager
def running(endpoint: str, load: Callable[[], Charge] = charge) -> Iterator[Service]:
    service = Service(
        lambda: Client(endpoint, "oneadmin:secret", timeout_s=60),
        load,
        HookExtensions(create_hook_manager()),
    )
    thread = threading.Thread(target=service.run)
    thread.start()
    try:
        yield service
    finally:
        service.events.put(Stop())
        thread.join(10)
        assert not thread.is_alive()


def is_deployed(front_end: FrontEnd, vm_id: int) -> Callable[[], bool]:
    return lambda: (front_end.vms[vm_id].state, front_end.vms[vm_id].lcm_state) == RUNNING


@pytest.fixture
def ours(front_end: FrontEnd) -> FrontEnd:
    """A front-end that reports changes."""
    front_end.has_changes = True
    return front_end


def test_a_new_vm_is_placed_as_soon_as_it_is_reported(ours: FrontEnd, server: FrontEndServer) -> None:
    ours.add_host(0)
    with running(server.endpoint):
        ours.wait_until(lambda: len(ours.called("one.system.changes")) >= 2)
        began_s = monotonic()
        ours.submit(5)
        ours.wait_until(is_deployed(ours, 5))
        assert monotonic() - began_s < 5  # the interval is a minute


def test_vms_that_wait_at_the_start_are_placed(ours: FrontEnd, server: FrontEndServer) -> None:
    ours.add_host(0)
    ours.submit(5)
    with running(server.endpoint):
        ours.wait_until(is_deployed(ours, 5))
    assert ours.called("one.vm.deploy") == [(5, 0, False, 0, "")]


def test_without_changes_the_front_end_is_polled(front_end: FrontEnd, server: FrontEndServer) -> None:
    front_end.add_host(0)
    with running(server.endpoint, lambda: charge(interval_s=0.05)):
        front_end.wait_until(lambda: len(front_end.called("one.vmpool.infoextended")) >= 2)
        front_end.submit(5)
        front_end.wait_until(is_deployed(front_end, 5))


def test_only_documented_methods_are_called_when_polling(front_end: FrontEnd, server: FrontEndServer) -> None:
    front_end.add_host(0)
    front_end.submit(5)
    with running(server.endpoint, lambda: charge(interval_s=0.05)):
        front_end.wait_until(is_deployed(front_end, 5))
        front_end.wait_until(lambda: len(front_end.called("one.vmpool.infoextended")) >= 3)
    assert {method for method, _ in front_end.calls} <= {
        "one.vmpool.infoextended",
        "one.vmpool.info",
        "one.hostpool.info",
        "one.clusterpool.info",
        "one.datastorepool.info",
        "one.acl.info",
        "one.user.info",
        "one.vm.deploy",
    }


def test_a_vm_that_fits_nowhere_is_told_once_and_placed_when_a_host_comes(
    ours: FrontEnd, server: FrontEndServer
) -> None:
    with running(server.endpoint):
        ours.submit(5)
        ours.wait_until(lambda: "SCHED_MESSAGE" in ours.vms[5].user_template)
        assert "there are no hosts" in ours.vms[5].user_template["SCHED_MESSAGE"]
        ours.add_host(0)
        ours.wait_until(is_deployed(ours, 5))
    assert len(ours.called("one.vm.update")) == 1


def test_a_policy_that_fails_gets_another_chance(
    ours: FrontEnd, server: FrontEndServer, caplog: pytest.LogCaptureFixture
) -> None:
    ours.add_host(0)
    ours.submit(5)
    policy = FailingPolicy(policy_context())
    with running(server.endpoint, lambda: charge(policy, interval_s=0.05)):
        ours.wait_until(is_deployed(ours, 5))
    assert "policy mine: failed" in caplog.text


def test_a_core_that_comes_back_finds_its_scheduler(ours: FrontEnd) -> None:
    ours.add_host(0)
    with serving(ours) as first:
        port = first.port
        with running(first.endpoint):
            ours.wait_until(lambda: len(ours.called("one.system.changes")) >= 2)
            first.shutdown()
            first.server_close()
            ours.submit(5)
            with serving(ours, port):
                ours.wait_until(is_deployed(ours, 5))


def test_a_scheduler_that_starts_before_the_core_waits_for_it(ours: FrontEnd) -> None:
    with serving(ours) as server:
        port = server.port
    ours.add_host(0)
    ours.submit(5)
    with running(f"http://127.0.0.1:{port}/RPC2"), serving(ours, port):
        ours.wait_until(is_deployed(ours, 5))


def test_two_schedulers_deploy_no_vm_twice(ours: FrontEnd, server: FrontEndServer) -> None:
    ours.cpu = 10_000
    for host_id in range(4):
        ours.add_host(host_id)
    with running(server.endpoint), running(server.endpoint):
        for vm_id in range(30):
            ours.submit(vm_id)
        ours.wait_until(lambda: all(is_deployed(ours, vm_id)() for vm_id in range(30)))
    done = [vm_id for vm_id, *_ in ours.called("one.vm.deploy")]
    assert set(done) == set(range(30))


def test_the_policy_is_swapped_on_the_running_cloud(ours: FrontEnd, server: FrontEndServer) -> None:
    for host_id in range(3):
        ours.add_host(host_id)
    policies = [LastHost(policy_context()), SchedulerPolicy(policy_context()), LastHost(policy_context())]
    with running(server.endpoint, lambda: charge(policies.pop())) as service:
        for vm_id, host_id in ((0, 2), (1, 0), (2, 2)):
            ours.submit(vm_id)
            ours.wait_until(is_deployed(ours, vm_id))
            assert ours.vms[vm_id].host_id == host_id
            if policies:
                service.events.put(Reload())


def test_a_configuration_that_is_wrong_changes_nothing(
    ours: FrontEnd, server: FrontEndServer, caplog: pytest.LogCaptureFixture
) -> None:
    ours.add_host(0)
    charges = [charge()]

    def load() -> Charge:
        if not charges:
            raise ConfigError("setting scheduler.policy is 7: not a text in quotes")
        return charges.pop()

    with running(server.endpoint, load) as service:
        service.events.put(Reload())
        ours.submit(5)
        ours.wait_until(is_deployed(ours, 5))
    assert "policy mine stays in charge" in caplog.text


def test_a_limit_per_host_holds_for_the_interval(ours: FrontEnd, server: FrontEndServer) -> None:
    ours.add_host(0)
    ours.add_host(1)
    for vm_id in range(3):
        ours.submit(vm_id)
    with running(server.endpoint, lambda: charge(interval_s=1.0, max_host=1)):
        ours.wait_until(lambda: len(ours.called("one.vm.deploy")) == 2)
        began_s = monotonic()
        ours.wait_until(lambda: len(ours.called("one.vm.deploy")) == 3)
        assert monotonic() - began_s > 0.5
