from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from opennebula_core.contracts.scheduler import (
    Decision,
    HostView,
    Limits,
    Migration,
    PendingVm,
    Placement,
    RoleView,
    SchedulerPolicy,
    Unplaced,
    VmGroupView,
)
from opennebula_core.testing.scheduler import (
    decide,
    make_cloud,
    make_datastore,
    make_host,
    make_vm,
    make_vm_group,
    policy_context,
)


def member(vm_id: int, role: str = "a", **fields: Any) -> PendingVm:
    return make_vm(vm_id, vm_group_id=0, role=role, kind=fields.pop("kind", role), **fields)


def role(name: str = "a", policy: str = "", vms: Sequence[int] = (), **hosts: Sequence[int]) -> RoleView:
    return RoleView(
        name, policy, vm_ids=frozenset(vms), **{key: frozenset(ids) for key, ids in hosts.items()}
    )


def run(
    group: VmGroupView, vms: Sequence[PendingVm], hosts: Sequence[HostView], **more: Any
) -> list[Decision]:
    cloud = make_cloud(vms, hosts, vm_groups=[group], datastores=more.pop("datastores", ()))
    return decide(SchedulerPolicy(policy_context()), cloud, **more)


def placed(decisions: Sequence[Decision]) -> dict[int, int]:
    return {item.vm_id: item.host_id for item in decisions if isinstance(item, Placement | Migration)}


def messages(decisions: Sequence[Decision]) -> dict[int, str]:
    told = {item.vm_id: item.message for item in decisions if isinstance(item, Unplaced)}
    return {vm_id: text.removeprefix("Cannot dispatch VM: ") for vm_id, text in told.items()}


def test_anti_affined_vms_are_on_different_hosts_and_the_last_one_waits() -> None:
    group = make_vm_group(0, role(policy="ANTI_AFFINED", vms=[9]))
    hosts = [make_host(0), make_host(1, vm_ids=[9]), make_host(2)]
    decisions = run(group, [member(1), member(2), member(3)], hosts)
    assert placed(decisions) == {1: 0, 2: 2}
    assert messages(decisions) == {3: "anti-affine with VMs 1, 2, 9 on 3 hosts"}


def test_anti_affined_roles_share_no_host_but_each_may_share_with_itself() -> None:
    group = make_vm_group(0, role("a"), role("b"), role("c"), anti_affined=["a,b"])
    vms = [member(1, "a"), member(2, "a"), member(3, "b"), member(4, "c"), member(5, "b")]
    assert placed(run(group, vms, [make_host(0), make_host(1)])) == {1: 0, 2: 0, 3: 1, 4: 0, 5: 1}


def test_affined_vms_go_where_all_of_them_fit_although_the_first_would_fit_elsewhere() -> None:
    group = make_vm_group(0, role(policy="AFFINED"))
    vms = [member(1), make_vm(2), member(3), member(4)]
    decisions = run(group, vms, [make_host(0, max_cpu_percent=200), make_host(1, max_cpu_percent=300)])
    assert [(item.vm_id, item.host_id) for item in decisions if isinstance(item, Placement)] == [
        (1, 1),
        (3, 1),
        (4, 1),
        (2, 0),
    ]


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ({"max_cpu_percent": 199}, "not enough free CPU for all VMs that are to be together on 1 host"),
        (
            {"max_memory_kib": 2**21 - 1},
            "not enough free memory for all VMs that are to be together on 1 host",
        ),
    ],
)
def test_what_does_not_fit_as_a_whole_waits_as_a_whole(host: dict[str, Any], why: str) -> None:
    group = make_vm_group(0, role(policy="AFFINED"))
    decisions = run(group, [member(1), member(2)], [make_host(0, **host)])
    assert messages(decisions) == {1: why, 2: why}


def test_the_datastore_of_the_leader_has_room_for_all_disks() -> None:
    group = make_vm_group(0, role(policy="AFFINED"))
    vms = [member(1, disk_mib=60), member(2, disk_mib=60)]
    datastores = [
        make_datastore(5, total_mib=100, free_mib=100, PRIORITY=9),
        make_datastore(6, total_mib=200, free_mib=200),
    ]
    assert run(group, vms, [make_host(0)], datastores=datastores) == [Placement(1, 0, 6), Placement(2, 0, 6)]


def test_running_members_draw_the_others_to_their_host() -> None:
    group = make_vm_group(0, role("a", "AFFINED", [9]), role("b", vms=[9]), affined=["a,b"])
    hosts = [make_host(0), make_host(1, vm_ids=[9], max_cpu_percent=100)]
    decisions = run(group, [member(1), member(2, "b")], hosts)
    assert placed(decisions) == {1: 1}
    assert messages(decisions) == {2: "affine with VM 1 elsewhere on 1 host; not enough free CPU on 1 host"}


def test_rules_that_share_a_role_hold_all_their_roles_together() -> None:
    group = make_vm_group(0, role("a"), role("b"), role("c"), role("d"), affined=["a,b", "b,c"])
    hosts = [make_host(0, max_cpu_percent=250), make_host(1)]
    vms = [member(1, "c"), member(2, "a"), member(3, "b"), member(4, "d")]
    assert placed(run(group, vms, hosts)) == {1: 1, 2: 1, 3: 1, 4: 0}


def test_a_set_of_different_kinds_goes_where_every_one_of_them_may_go() -> None:
    group = make_vm_group(0, role("a"), role("b"), affined=["a,b"])
    vms = [member(1), member(2, "b", requirements="SSD = 1")]
    assert placed(run(group, vms, [make_host(0, SSD=0), make_host(1, SSD=1)])) == {1: 1, 2: 1}
    decisions = run(group, vms, [make_host(0, SSD=0)])
    assert messages(decisions)[1] == (
        "closed to VM 2, which is to be on the same host: SCHED_REQUIREMENTS not met on 1 host"
    )


def test_hosts_of_a_role_bind_the_whole_set() -> None:
    group = make_vm_group(
        0,
        role("a", host_anti_affined=[0]),
        role("b", host_affined=[0, 2]),
        role("c", host_affined=[1]),
        affined=["a,b"],
    )
    hosts = [make_host(0), make_host(1), make_host(2)]
    assert placed(run(group, [member(1), member(2, "b"), member(3, "c")], hosts)) == {1: 2, 2: 2, 3: 1}
    assert messages(run(group, [member(1)], hosts[:1])) == {
        1: "its role keeps off it (HOST_ANTI_AFFINED) on 1 host"
    }
    assert messages(run(group, [member(3, "c")], hosts[:1])) == {
        3: "not among the hosts of its role (HOST_AFFINED) on 1 host"
    }


def test_one_flagged_member_of_a_set_stays_but_a_set_that_is_flagged_moves_as_a_whole() -> None:
    group = make_vm_group(0, role(policy="AFFINED", vms=[1, 2]))
    hosts = [make_host(0, vm_ids=[1, 2]), make_host(1, max_cpu_percent=100), make_host(2)]
    one = run(group, [member(1, resched_from=0)], hosts)
    assert messages(one) == {
        1: "affine with VM 2 elsewhere on 2 hosts; is where the VM runs already on 1 host"
    }
    both = run(group, [member(1, resched_from=0), member(2, resched_from=0)], hosts)
    assert placed(both) == {1: 2, 2: 2}


def test_a_new_member_joins_one_that_is_flagged_or_goes_with_it() -> None:
    group = make_vm_group(0, role(policy="AFFINED", vms=[2]))
    hosts = [make_host(0, vm_ids=[2]), make_host(1)]
    assert placed(run(group, [member(1), member(2, resched_from=0)], hosts)) == {1: 0}
    moved_first = [member(1), member(2, resched_from=0, priority=1)]
    assert placed(run(group, moved_first, hosts)) == {2: 1, 1: 1}


def test_an_anti_affine_member_that_moves_holds_both_hosts_off_the_others() -> None:
    group = make_vm_group(0, role(policy="ANTI_AFFINED", vms=[1]))
    hosts = [make_host(0, vm_ids=[1]), make_host(1), make_host(2)]
    assert placed(run(group, [member(1, resched_from=0), member(2)], hosts)) == {1: 1, 2: 2}


def test_nobody_follows_a_member_that_is_on_the_move_before_it_has_arrived() -> None:
    group = make_vm_group(0, role(policy="AFFINED", vms=[9]))
    decisions = run(group, [member(1)], [make_host(0, vm_ids=[9]), make_host(1, vm_ids=[9])])
    assert messages(decisions) == {1: "affine with VM 9 on the move on 2 hosts"}


def test_members_that_are_apart_already_leave_no_place_for_a_third() -> None:
    group = make_vm_group(0, role(policy="AFFINED", vms=[8, 9]))
    decisions = run(group, [member(1)], [make_host(0, vm_ids=[8]), make_host(1, vm_ids=[9]), make_host(2)])
    assert messages(decisions) == {1: "affine with VMs 8, 9 elsewhere on 3 hosts"}


def test_roles_that_contradict_place_their_first_vm_and_tell_the_second() -> None:
    group = make_vm_group(0, role("a"), role("b"), affined=["a,b"], anti_affined=["a,b"])
    decisions = run(group, [member(1), member(2, "b")], [make_host(0), make_host(1)])
    assert placed(decisions) == {1: 0}
    assert messages(decisions) == {2: "affine with VM 1 elsewhere on 1 host; anti-affine with VM 1 on 1 host"}


def test_after_a_refusal_the_whole_set_goes_to_the_next_host() -> None:
    group = make_vm_group(0, role(policy="AFFINED"))
    decisions = run(
        group,
        [member(1), member(2)],
        [make_host(0), make_host(1)],
        refuses=lambda item: isinstance(item, Placement) and item.host_id == 0,
    )
    assert placed(decisions) == {1: 1, 2: 1}


def test_the_rest_of_a_set_follows_when_the_limit_opens_again() -> None:
    group = make_vm_group(0, role(policy="AFFINED"))
    decisions = run(group, [member(1), member(2)], [make_host(0), make_host(1)], limits=Limits(max_host=1))
    assert placed(decisions) == {1: 0}
    assert "limit of placements per round reached on 1 host" in messages(decisions)[2]


def test_vms_of_no_group_and_of_unknown_roles_go_anywhere() -> None:
    group = make_vm_group(0, role(policy="ANTI_AFFINED"))
    stranger = make_vm(5, vm_group_id=7, role="a")
    unknown = make_vm(6, vm_group_id=0, role="x")
    assert placed(run(group, [member(1), stranger, unknown, make_vm(7)], [make_host(0)])) == {
        1: 0,
        5: 0,
        6: 0,
        7: 0,
    }
