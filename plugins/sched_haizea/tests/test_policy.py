from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opennebula_core.contracts.scheduler import (
    ActiveVm,
    Annotation,
    Cloud,
    Decision,
    HostView,
    Migration,
    PendingVm,
    Placement,
    Unplaced,
    VmCommand,
)
from opennebula_core.errors import ConfigError
from opennebula_core.model.states import HostState
from opennebula_core.model.template import Template
from opennebula_core.testing.scheduler import (
    decide,
    make_active_vm,
    make_cloud,
    make_host,
    make_vm,
    policy_context,
)
from opennebula_sched_haizea import HaizeaPolicy
from opennebula_sched_haizea.plan import clock

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
ON_THE_HOUR: dict[str, Any] = {"START": "+01:00:00", "DURATION": "01:00:00"}


def at(seconds: float) -> str:
    return clock((NOON + timedelta(seconds=seconds)).timestamp())


@dataclass
class Cluster:
    """A cloud in which things take no time: what is deployed runs, what is ended is gone."""

    hosts: list[HostView]
    policy: HaizeaPolicy
    seconds: float = 0.0
    waiting: dict[int, PendingVm] = field(default_factory=dict)
    active: dict[int, ActiveVm] = field(default_factory=dict)
    log: list[tuple[float, Decision]] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)

    def submit(self, vm_id: int, cpu_percent: int = 100, **haizea: Any) -> None:
        text = ", ".join(f'{key} = "{value}"' for key, value in haizea.items())
        self.waiting[vm_id] = make_vm(
            vm_id,
            cpu_percent=cpu_percent,
            user_template=f"HAIZEA = [ {text} ]" if haizea else "",
            stime=int(self.now.timestamp()),
        )

    def round(self) -> None:
        """Run a round now and carry out what it decides; what that changes wakes the scheduler again."""
        while any(not isinstance(decision, Unplaced) for decision in self._one_round()):
            pass

    def _one_round(self) -> Sequence[Decision]:
        decisions = decide(self.policy, self.cloud(), now=self.now)
        for decision in decisions:
            self.log.append((self.seconds, decision))
            match decision:
                case Placement(vm_id, host_id):
                    self._start(self.waiting.pop(vm_id), host_id)
                case VmCommand(vm_id):
                    del self.active[vm_id]
                case Annotation(vm_id, text):
                    vm = self.waiting[vm_id]
                    vm.user_template.merge(Template.parse(text))
        return decisions

    def cloud(self) -> Cloud:
        hosts = []
        for host in self.hosts:
            here = [vm for vm in self.active.values() if vm.host_id == host.id]
            used = sum(vm.cpu_percent for vm in here), sum(vm.memory_kib for vm in here)
            hosts.append(
                replace(
                    host,
                    vm_ids=frozenset(vm.id for vm in here),
                    cpu_usage_percent=used[0],
                    memory_usage_kib=used[1],
                )
            )
        return make_cloud(list(self.waiting.values()), hosts, active_vms=list(self.active.values()))

    def used(self) -> dict[int, int]:
        """Return how much CPU is taken of each host."""
        return {host.id: host.cpu_usage_percent for host in self.cloud().hosts}

    def _start(self, vm: PendingVm, host_id: int) -> None:
        self.active[vm.id] = make_active_vm(
            vm.id,
            host_id,
            cpu_percent=vm.cpu_percent,
            memory_kib=vm.memory_kib,
            user_template=vm.user_template.to_text(),
            stime=vm.stime,
            running_since=int(self.now.timestamp()),
        )

    def run_until(self, seconds: float) -> None:
        """Let time pass: a round whenever the policy wants one."""
        self.round()
        while True:
            wakeup = self.policy.wakeup_at(self.now)
            due = None if wakeup is None else (wakeup - NOON).total_seconds()
            if due is None or due > seconds:
                self.seconds = seconds
                return
            assert due > self.seconds
            self.seconds = due
            self.round()

    def starts(self) -> dict[int, tuple[float, int]]:
        return {
            item.vm_id: (seconds, item.host_id) for seconds, item in self.log if isinstance(item, Placement)
        }

    def ends(self) -> dict[int, float]:
        return {item.vm_id: seconds for seconds, item in self.log if isinstance(item, VmCommand)}

    def message(self, vm_id: int) -> str:
        said = [item.message for _, item in self.log if isinstance(item, Unplaced) and item.vm_id == vm_id]
        return said[-1] if said else ""


def cluster(hosts: int = 1, *, cpu_percent: int = 200, **settings: str | float) -> Cluster:
    """Return a cloud with hosts for two small VMs each; by default the ended ones are gone at once."""
    policy = HaizeaPolicy(policy_context("haizea", **{"ending_s": 0.0, "group_settle_s": 0.0, **settings}))
    return Cluster([make_host(n, max_cpu_percent=cpu_percent) for n in range(hosts)], policy)


class TestImmediate:
    """Immediate leases start now or say when they could."""

    def test_one_starts_at_once_and_ends_after_its_duration(self) -> None:
        cloud = cluster()
        cloud.submit(0, START="now", DURATION="00:10:00")
        cloud.run_until(3600)
        assert cloud.starts() == {0: (0, 0)}
        assert cloud.ends() == {0: 600}

    def test_one_without_room_is_told_the_earliest_possible_start(self) -> None:
        cloud = cluster()
        cloud.submit(0, 200, START="now", DURATION="00:10:00")
        cloud.round()
        cloud.submit(1, START="now", DURATION="00:10:00")
        cloud.round()
        assert cloud.message(1) == f"No room for the lease now; the earliest possible start is {at(600)}"

    def test_one_does_not_start_where_it_would_run_into_a_reservation(self) -> None:
        cloud = cluster(2)
        cloud.submit(0, 200, **ON_THE_HOUR)
        cloud.round()
        cloud.submit(1, 200, START="now", DURATION="02:00:00")
        cloud.round()
        assert cloud.starts() == {1: (0, 1)}


class TestReservations:
    """Advance reservations get their time, whatever else is asked for."""

    def test_one_starts_and_ends_at_its_time(self) -> None:
        cloud = cluster()
        cloud.submit(0, **ON_THE_HOUR)
        cloud.run_until(3 * 3600)
        assert cloud.starts() == {0: (3600, 0)}
        assert cloud.ends() == {0: 7200}

    def test_the_user_reads_what_was_reserved(self) -> None:
        cloud = cluster()
        cloud.submit(0, **ON_THE_HOUR)
        cloud.round()
        assert cloud.message(0) == f"Reserved from {at(3600)} to {at(7200)} on host 0"

    def test_a_second_one_for_the_same_room_is_told_when_it_could_be(self) -> None:
        cloud = cluster()
        cloud.submit(0, 200, **ON_THE_HOUR)
        cloud.submit(1, 200, **ON_THE_HOUR)
        cloud.round()
        assert cloud.message(1) == (
            f"The reservation for {at(3600)} cannot be given; the earliest possible start is {at(7200)}"
        )

    def test_one_that_runs_late_ends_at_its_time_all_the_same(self) -> None:
        cloud = cluster()
        cloud.submit(0, **ON_THE_HOUR)
        cloud.round()
        cloud.seconds = 5400  # the scheduler was away
        cloud.run_until(9000)
        assert cloud.starts() == {0: (5400, 0)}
        assert cloud.ends() == {0: 7200}

    def test_one_whose_start_has_passed_is_refused(self) -> None:
        cloud = cluster()
        cloud.submit(0, START="2024-05-01 11:00:00+00:00", DURATION="00:10:00")
        cloud.round()
        assert cloud.message(0) == f"The reservation's start, {at(-3600)}, has passed; ask for a later one"
        assert not cloud.starts()

    def test_one_larger_than_the_cloud_is_refused(self) -> None:
        cloud = cluster()
        cloud.submit(0, 300, **ON_THE_HOUR)
        cloud.round()
        assert "asks for more than the hosts have at all" in cloud.message(0)

    def test_one_without_duration_blocks_what_comes_after(self) -> None:
        cloud = cluster()
        cloud.submit(0, 200, START="+01:00:00")
        cloud.submit(1, START="+05:00:00", DURATION="00:10:00")
        cloud.round()
        assert "no possible start can be told" in cloud.message(1)

    def test_its_vm_is_deployed_early_when_booting_takes_time(self) -> None:
        cloud = cluster(lead_s=120.0)
        cloud.submit(0, **ON_THE_HOUR)
        cloud.run_until(9000)
        assert cloud.starts() == {0: (3480, 0)}
        assert cloud.ends() == {0: 7200}

    def test_it_moves_to_another_host_when_its_own_is_disabled(self) -> None:
        cloud = cluster(2)
        cloud.submit(0, 200, **ON_THE_HOUR)
        cloud.round()
        cloud.hosts[0] = make_host(0, max_cpu_percent=200, state=HostState.ERROR)
        cloud.run_until(9000)
        assert cloud.starts() == {0: (3600, 1)}

    def test_it_starts_elsewhere_when_its_host_fails_at_the_last_moment(self) -> None:
        cloud = cluster(2)
        cloud.submit(0, 200, **ON_THE_HOUR)
        cloud.round()
        cloud.hosts[0] = make_host(0, max_cpu_percent=200, state=HostState.ERROR)
        cloud.seconds = 3601
        cloud.run_until(9000)
        assert cloud.starts() == {0: (3601, 1)}
        assert cloud.ends() == {0: 7200}

    def test_what_was_promised_is_kept_over_a_restart(self) -> None:
        cloud = cluster(2, cpu_percent=100)
        cloud.submit(0, **ON_THE_HOUR)
        cloud.submit(1, **ON_THE_HOUR)
        cloud.round()
        promised = {vm_id: cloud.message(vm_id) for vm_id in (0, 1)}
        cloud.policy = cluster().policy  # another process that knows nothing
        cloud.submit(2, START="now", DURATION="02:00:00")
        cloud.round()
        assert {vm_id: cloud.message(vm_id) for vm_id in (0, 1)} == promised
        assert not cloud.starts()

    def test_changed_terms_are_a_new_request(self) -> None:
        cloud = cluster()
        cloud.submit(0, 200, **ON_THE_HOUR)
        cloud.round()
        cloud.waiting[0].user_template.set("HAIZEA", {"START": "+03:00:00", "DURATION": "01:00:00"})
        cloud.run_until(5 * 3600)
        assert cloud.starts() == {0: (3 * 3600, 0)}

    def test_it_waits_until_its_host_is_really_free(self) -> None:
        cloud = cluster()
        cloud.submit(0, 200, **ON_THE_HOUR)
        cloud.round()
        by_hand = make_active_vm(9, 0, cpu_percent=100, running_since=int(NOON.timestamp()))
        cloud.active[9] = by_hand
        cloud.seconds = 3600
        cloud.round()
        assert not cloud.starts()
        del cloud.active[9]
        cloud.seconds = 3605
        cloud.round()
        assert cloud.starts() == {0: (3605, 0)}


class TestBestEffort:
    """Best-effort leases are served in their order, as room allows."""

    def test_a_vm_without_lease_is_one_and_never_ended(self) -> None:
        cloud = cluster()
        cloud.submit(0)
        cloud.run_until(10**6)
        assert cloud.starts() == {0: (0, 0)}
        assert not cloud.ends()

    def test_they_run_one_after_the_other_when_there_is_room_for_one(self) -> None:
        cloud = cluster()
        for vm_id in range(3):
            cloud.submit(vm_id, 200, DURATION="00:10:00")
        cloud.run_until(3600)
        assert [cloud.starts()[vm_id][0] for vm_id in range(3)] == [0, 600, 1200]

    def test_the_user_reads_the_earliest_possible_start(self) -> None:
        cloud = cluster()
        cloud.submit(0, 200, DURATION="00:10:00")
        cloud.submit(1, 200, DURATION="00:10:00")
        cloud.submit(2, DURATION="00:10:00")
        cloud.round()
        assert cloud.message(1) == f"Queued; the earliest possible start is {at(600)}"
        assert cloud.message(2) == "Queued behind VM 1"

    def test_nobody_passes_one_that_has_to_wait(self) -> None:
        cloud = cluster()
        cloud.submit(0, DURATION="00:10:00")
        cloud.submit(1, 200, DURATION="00:10:00")
        cloud.submit(2, DURATION="00:10:00")
        cloud.run_until(3600)
        assert [cloud.starts()[vm_id][0] for vm_id in range(3)] == [0, 600, 1200]

    def test_with_backfilling_a_short_one_passes_without_delaying_anybody(self) -> None:
        cloud = cluster(backfilling="aggressive")
        cloud.submit(0, DURATION="00:10:00")
        cloud.submit(1, 200, DURATION="00:10:00")
        cloud.submit(2, DURATION="00:10:00")
        cloud.submit(3, DURATION="00:10:01")
        cloud.run_until(3600)
        assert [cloud.starts()[vm_id][0] for vm_id in range(4)] == [0, 600, 0, 1200]

    def test_one_that_can_never_start_holds_nobody_up(self) -> None:
        cloud = cluster()
        cloud.submit(0, 900, DURATION="00:10:00")
        cloud.submit(1, DURATION="00:10:00")
        cloud.round()
        assert cloud.starts() == {1: (0, 0)}
        assert "asks for more than the hosts have at all" in cloud.message(0)

    def test_one_does_not_start_where_it_would_run_into_a_reservation(self) -> None:
        cloud = cluster()
        cloud.submit(0, 200, **ON_THE_HOUR)
        cloud.submit(1, DURATION="01:00:01")
        cloud.submit(2, DURATION="01:00:00")
        cloud.run_until(4 * 3600)
        starts = {vm_id: seconds for vm_id, (seconds, _) in cloud.starts().items()}
        assert starts == {0: 3600, 1: 7200, 2: 7200}

    def test_one_without_duration_never_starts_before_a_reservation_of_its_host(self) -> None:
        cloud = cluster(2)
        cloud.submit(0, 200, **ON_THE_HOUR)
        cloud.submit(1, 200)
        cloud.submit(2, 200)
        cloud.run_until(3 * 3600)
        assert cloud.starts() == {0: (3600, 0), 1: (0, 1)} | {2: (7200, 0)}

    def test_the_default_lease_can_be_an_immediate_one(self) -> None:
        cloud = cluster(default_lease="now")
        cloud.submit(0, 200)
        cloud.submit(1)
        cloud.round()
        assert cloud.message(1).startswith("No room for the lease now")


class TestGroups:
    """Leases of several VMs start together."""

    def test_all_start_together_or_none(self) -> None:
        cloud = cluster(2, cpu_percent=100)
        cloud.submit(0, DURATION="00:10:00")
        cloud.submit(1, GROUP="web", DURATION="00:05:00")
        cloud.submit(2, GROUP="web", DURATION="00:05:00")
        cloud.run_until(3600)
        starts = cloud.starts()
        assert [starts[vm_id][0] for vm_id in (1, 2)] == [600, 600]
        assert {starts[vm_id][1] for vm_id in (1, 2)} == {0, 1}

    def test_one_with_a_size_waits_for_all_its_members(self) -> None:
        cloud = cluster(2)
        cloud.submit(0, GROUP="web", GROUP_SIZE=2)
        cloud.run_until(60)
        assert cloud.message(0) == "Waits for the other VMs of the group 'web'"
        cloud.submit(1, GROUP="web", GROUP_SIZE=2)
        cloud.round()
        assert set(cloud.starts()) == {0, 1}

    def test_one_without_size_waits_a_moment_for_more(self) -> None:
        cloud = cluster(group_settle_s=2.0)
        cloud.submit(0, GROUP="web")
        cloud.run_until(1)
        assert not cloud.starts()
        cloud.submit(1, GROUP="web")
        cloud.run_until(10)
        assert {seconds for seconds, _ in cloud.starts().values()} == {3}

    def test_reserved_groups_start_together(self) -> None:
        cloud = cluster(2, cpu_percent=100)
        for vm_id in (0, 1):
            cloud.submit(vm_id, GROUP="web", **ON_THE_HOUR)
        cloud.run_until(3 * 3600)
        assert {seconds for seconds, _ in cloud.starts().values()} == {3600}
        assert cloud.ends() == {0: 7200, 1: 7200}

    def test_a_member_that_is_refused_joins_the_others_elsewhere(self) -> None:
        cloud = cluster(3, cpu_percent=100)
        for vm_id in (0, 1):
            cloud.submit(vm_id, GROUP="web", GROUP_SIZE=2)
        decisions = decide(
            cloud.policy,
            cloud.cloud(),
            now=cloud.now,
            refuses=lambda item: item == Placement(1, 1),
        )
        assert Placement(0, 0) in decisions
        assert Placement(1, 2) in decisions


def test_a_lease_that_means_nothing_is_told() -> None:
    cloud = cluster()
    cloud.submit(0, START="soon")
    cloud.round()
    assert cloud.message(0).startswith("The lease cannot be given: read START of HAIZEA: 'soon' is no time")


def test_requirements_of_the_vm_hold() -> None:
    vm = make_vm(0, requirements="ID = 1")
    cloud = make_cloud([vm], [make_host(0), make_host(1)])
    assert decide(HaizeaPolicy(policy_context("haizea")), cloud, now=NOON) == [Placement(0, 1)]


def test_a_vm_that_no_host_suits_is_told() -> None:
    [decision] = decide(
        HaizeaPolicy(policy_context("haizea")),
        make_cloud([make_vm(0, requirements="ID = 9")], [make_host(0)]),
        now=NOON,
    )
    assert isinstance(decision, Unplaced)
    assert "no enabled host meets the requirements of VM 0" in decision.message


def test_vms_flagged_to_be_rescheduled_move_where_nothing_is_reserved() -> None:
    cloud = cluster(3, cpu_percent=100)
    cloud.submit(0, **ON_THE_HOUR)
    cloud.round()
    assert cloud.message(0).endswith("host 0")
    moving = make_vm(7, resched_from=2)
    cloud.waiting[7] = moving
    decisions = decide(cloud.policy, cloud.cloud(), now=cloud.now)
    assert Migration(7, 1) in decisions


@pytest.mark.parametrize(
    ("name", "value"),
    [("on_end", "kill"), ("backfilling", "some"), ("default_lease", "advance"), ("lead_s", -1.0)],
)
def test_an_option_that_means_nothing_is_refused(name: str, value: str | float) -> None:
    with pytest.raises(ConfigError, match=name):
        HaizeaPolicy(policy_context("haizea", **{name: value}))


@pytest.mark.parametrize("seed", range(40))
def test_promises_are_kept_and_no_host_is_overfilled_on_a_random_cloud(seed: int) -> None:
    dice = random.Random(seed)
    cloud = cluster(dice.randint(1, 4), backfilling=dice.choice(["off", "aggressive", "conservative"]))
    promised: dict[int, int] = {}
    for vm_id in range(dice.randint(5, 40)):
        minutes = dice.randint(1, 90)
        start = dice.choice(["best_effort", "best_effort", "now", f"+00:{dice.randint(1, 59)}:00"])
        cloud.submit(
            vm_id,
            dice.choice([50, 100, 200]),
            START=start,
            DURATION=f"00:{minutes}:00" if minutes < 60 else f"01:{minutes - 60}:00",
            **({"GROUP": f"g{vm_id // 3}"} if dice.random() < 0.2 else {}),
        )
        cloud.run_until(cloud.seconds + dice.randint(0, 600))
        assert all(used <= 200 for used in cloud.used().values())
    promised = {
        vm_id: int(vector["START"])
        for vm_id, vm in cloud.waiting.items()
        if (vector := vm.user_template.vector("HAIZEA_LEASE"))
    }
    cloud.run_until(30 * 3600)
    began = {vm_id: int(NOON.timestamp() + seconds) for vm_id, (seconds, _) in cloud.starts().items()}
    assert promised.items() <= began.items()
