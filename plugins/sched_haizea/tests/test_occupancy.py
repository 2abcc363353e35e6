from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from opennebula_core.contracts.scheduler import Decision, Unplaced, VmCommand
from opennebula_core.model.states import HostState, LcmState, VmState
from opennebula_core.testing.scheduler import (
    GIB,
    decide,
    make_active_vm,
    make_cloud,
    make_host,
    make_vm,
    policy_context,
)
from opennebula_sched_haizea import HaizeaPolicy
from opennebula_sched_haizea.occupancy import lease_end_s, occupied_table
from opennebula_sched_haizea.plan import clock
from opennebula_sched_haizea.rules import Rules
from opennebula_sched_haizea.slottable import FOREVER, Amount

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
NOON_S = NOON.timestamp()


def at(seconds: float) -> str:
    return clock((NOON + timedelta(seconds=seconds)).timestamp())


class TestEnds:
    """Leases that are over are ended."""

    def one(self, **fields: object) -> Sequence[Decision]:
        vm = make_active_vm(
            0, 0, user_template='HAIZEA = [ DURATION = "60" ]', running_since=int(NOON.timestamp()) - 60
        )
        vm = replace(vm, **fields)  # type: ignore[arg-type]  # names and types are ActiveVm's own
        cloud = make_cloud([], [make_host(0, vm_ids=[0])], active_vms=[vm])
        return decide(HaizeaPolicy(policy_context("haizea")), cloud, now=NOON)

    def test_a_running_vm_is_terminated(self) -> None:
        assert self.one() == [VmCommand(0, "terminate")]

    def test_one_that_is_off_is_terminated_too(self) -> None:
        assert self.one(state=VmState.POWEROFF, lcm_state=LcmState.LCM_INIT) == [VmCommand(0, "terminate")]

    def test_one_in_the_middle_of_something_is_left_to_finish_it(self) -> None:
        assert self.one(lcm_state=LcmState.SHUTDOWN) == []

    def test_one_whose_lease_is_not_over_goes_on(self) -> None:
        assert self.one(first_running_stime=int(NOON.timestamp()) - 59) == []

    def test_the_end_is_not_asked_for_again_at_once(self) -> None:
        policy = HaizeaPolicy(policy_context("haizea", on_end="poweroff"))
        vm = make_active_vm(0, 0, user_template='HAIZEA = [ DURATION = "60" ]', running_since=1000)
        cloud = make_cloud([], [make_host(0, vm_ids=[0])], active_vms=[vm])
        asked = [decide(policy, cloud, now=NOON + timedelta(seconds=seconds)) for seconds in (0, 30, 61)]
        assert asked == [[VmCommand(0, "poweroff")], [], [VmCommand(0, "poweroff")]]

    def test_a_vm_that_still_shuts_down_takes_its_room_until_it_is_gone(self) -> None:
        ending = make_active_vm(
            0,
            0,
            user_template='HAIZEA = [ DURATION = "60" ]',
            running_since=1000,
            lcm_state=LcmState.SHUTDOWN,
        )
        host = make_host(0, max_cpu_percent=100, cpu_usage_percent=100, vm_ids=[0])
        cloud = make_cloud([make_vm(1)], [host], active_vms=[ending])
        [decision] = decide(HaizeaPolicy(policy_context("haizea")), cloud, now=NOON)
        assert isinstance(decision, Unplaced)
        assert decision.message == f"Queued; the earliest possible start is {at(10)}"


def test_what_a_host_uses_beyond_its_known_vms_is_taken_for_good() -> None:
    vm = make_active_vm(0, 0, running_since=1)
    host = make_host(0, cpu_usage_percent=250, memory_usage_kib=GIB, vm_ids=[0])
    table = occupied_table(make_cloud([], [host], active_vms=[vm]), Rules(), NOON_S)
    assert table.room(0, NOON_S, FOREVER) == Amount(150, 7 * GIB)


def test_disabled_hosts_are_not_in_the_table() -> None:
    host = make_host(0, state=HostState.DISABLED)
    assert occupied_table(make_cloud([], [host]), Rules(), NOON_S).room(0, 0, 1) == Amount()


def test_a_vm_without_lease_has_no_end() -> None:
    assert lease_end_s(make_active_vm(0, 0, running_since=1), Rules()) == FOREVER


def test_a_lease_that_was_edited_into_nonsense_has_no_end() -> None:
    vm = make_active_vm(0, 0, user_template='HAIZEA = [ DURATION = "for ever" ]', running_since=1)
    assert lease_end_s(vm, Rules()) == FOREVER


def test_a_vm_that_still_boots_is_expected_to_stay_for_its_duration() -> None:
    vm = make_active_vm(0, 0, user_template='HAIZEA = [ DURATION = "60" ]', stime=int(NOON_S))
    host = make_host(0, cpu_usage_percent=100, memory_usage_kib=GIB, vm_ids=[0])
    table = occupied_table(make_cloud([], [host], active_vms=[vm]), Rules(ending_s=5.0), NOON_S)
    assert table.ends_s(NOON_S) == [NOON_S + 65]
