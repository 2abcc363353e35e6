"""The decisions equal those of a plain, slow scheduler that looks at everything afresh for each VM."""

from __future__ import annotations

import random
from typing import Any

import pytest

from opennebula_core.contracts.scheduler import (
    Cloud,
    DatastoreView,
    Decision,
    HostView,
    Limits,
    PendingVm,
    Placement,
    Round,
)
from opennebula_core.errors import ExpressionError
from opennebula_core.model.expressions import (
    evaluate_rank,
    evaluate_requirement,
    parse_rank,
    parse_requirement,
)
from opennebula_core.model.states import DatastoreState, HostState
from opennebula_core.testing.scheduler import (
    GIB,
    make_cloud,
    make_datastore,
    make_host,
    make_round,
    make_vm,
    policy_context,
)
from opennebula_sched_default import DefaultPolicy

REQUIREMENTS = [
    "",
    'ARCH = "x86*"',
    'RACK < 3 & HYPERVISOR = "kvm"',
    "!(RACK = 1) | FREE_CPU > 200",
    "RUNNING_VMS < 2",
    "MISSING != 4",
    "CURRENT_VMS != 3",
    "broken = ",
]
RANKS = ["", "RACK", "- RUNNING_VMS", "FREE_CPU - 10 * RUNNING_VMS", "FREE_MEMORY / 100000", "RACK +* 1"]
POLICIES = ["packing", "striping", "load-aware", "fixed"]


def random_cloud(dice: random.Random) -> Cloud:
    hosts = [
        make_host(
            host_id,
            max_cpu_percent=dice.choice([100, 400, 800]),
            max_memory_kib=dice.choice([2, 8]) * GIB,
            cpu_usage_percent=dice.choice([0, 0, 100, 300]),
            state=dice.choice([HostState.MONITORED] * 6 + [HostState.DISABLED]),
            cluster_id=dice.choice([0, 0, 100]),
            vm_ids=[1000 + host_id] * dice.randint(0, 1),
            free_disk_mib={7: dice.randint(0, 500)},
            ARCH=dice.choice(["x86_64", "arm64"]),
            HYPERVISOR="kvm",
            RACK=dice.randint(0, 4),
            PRIORITY=dice.randint(0, 2),
        )
        for host_id in dice.sample(range(40), dice.randint(1, 15))
    ]
    datastores = [
        make_datastore(0, total_mib=2000, free_mib=dice.randint(0, 2000), cluster_ids=[0, 100]),
        make_datastore(
            3, total_mib=900, free_mib=dice.randint(0, 900), state=dice.choice(list(DatastoreState))
        ),
        make_datastore(7, is_shared=False, cluster_ids=[0, 100]),
    ]
    kinds = [random_kind(dice) for _ in range(dice.randint(1, 4))]
    vms = []
    for vm_id in range(dice.randint(1, 40)):
        kind = dice.randrange(len(kinds))
        vms.append(make_vm(vm_id, kind=kind, priority=dice.choice([0, 0, 5]), **kinds[kind]))
    return make_cloud(vms, hosts, datastores=datastores)


def random_kind(dice: random.Random) -> dict[str, Any]:
    return {
        "cpu_percent": dice.choice([0, 50, 100, 250]),
        "memory_kib": dice.choice([0, GIB // 2, 3 * GIB]),
        "disk_mib": dice.choice([0, 0, 150]),
        "requirements": dice.choice(REQUIREMENTS),
        "rank": dice.choice(RANKS),
        "automatic_requirements": dice.choice(["", "CLUSTER_ID = 0"]),
        "ds_requirements": dice.choice(["", "ID != 3"]),
    }


class PlainScheduler:
    """Looks at every host and every datastore for every VM."""

    def __init__(self, round: Round, default_rank: str) -> None:
        self.round = round
        self.default_rank = default_rank

    def decide(self) -> list[Decision]:
        decisions: list[Decision] = []
        vms = sorted(self.round.cloud.vms, key=lambda vm: (-vm.priority, vm.id))
        for vm in vms:
            choices = [
                (-self.rank(vm, host), host.id, datastore_id)
                for host in self.round.cloud.hosts
                if self.takes(vm, host) and (datastore_id := self.datastore(vm, host)) is not None
            ]
            if choices:
                _, host_id, datastore_id = min(choices)
                decisions.append(Placement(vm.id, host_id, datastore_id))
                self.round.settle(decisions[-1])
        return decisions

    def takes(self, vm: PendingVm, host: HostView) -> bool:
        limit = self.round.limits.max_host
        booked = self.round.booking(host)
        return (
            host.state is HostState.MONITORED
            and (not limit or len(booked.vm_ids) < limit)
            and self.meets(vm.automatic_requirements, host)
            and self.meets(vm.requirements, host)
            and (not vm.cpu_percent or self.round.free_cpu_percent(host) >= vm.cpu_percent)
            and (not vm.memory_kib or self.round.free_memory_kib(host) >= vm.memory_kib)
        )

    def meets(self, text: str, host: HostView) -> bool:
        if text.startswith("CURRENT_VMS != "):
            return int(text.removeprefix("CURRENT_VMS != ")) not in (
                host.vm_ids | self.round.booking(host).vm_ids
            )
        try:
            return evaluate_requirement(parse_requirement(text), self.round.lookup(host))
        except ExpressionError:
            return False

    def rank(self, vm: PendingVm, host: HostView) -> int:
        try:
            return evaluate_rank(parse_rank(vm.rank or self.default_rank), self.round.lookup(host))
        except ExpressionError:
            return 0

    def datastore(self, vm: PendingVm, host: HostView) -> int | None:
        choices = [
            (-(self.free(item, host) or 0), item.id)
            for item in self.round.cloud.datastores
            if item.state is DatastoreState.READY
            and host.cluster_id in item.cluster_ids
            and not (vm.ds_requirements == "ID != 3" and item.id == 3)
            and (not vm.disk_mib or (self.free(item, host) or 0) >= vm.disk_mib)
        ]
        return min(choices)[1] if choices else None

    def free(self, datastore: DatastoreView, host: HostView) -> int | None:
        return self.round.free_disk_mib(datastore, host)


@pytest.mark.parametrize("seed", range(150))
def test_decisions_equal_the_plain_schedulers_on_a_random_cloud(seed: int) -> None:
    dice = random.Random(seed)
    cloud = random_cloud(dice)
    word = dice.choice(POLICIES)
    limits = Limits(max_host=dice.choice([0, 0, 2]))
    policy = DefaultPolicy(policy_context("default", policy=word))
    round = make_round(policy, cloud, limits=limits)
    decisions = []
    for decision in policy.decide(round):
        round.settle(decision)
        decisions.append(decision)
    rank = {
        "packing": "RUNNING_VMS",
        "striping": "- RUNNING_VMS",
        "load-aware": "FREE_CPU",
        "fixed": "PRIORITY",
    }
    plain = PlainScheduler(make_round(policy, cloud, limits=limits), rank[word]).decide()
    assert [item for item in decisions if isinstance(item, Placement)] == plain
