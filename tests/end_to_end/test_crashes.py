"""The daemon or a driver is killed in the middle of things, or a host hangs: all gets where it was going."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from opennebula_core.model.states import HostState, LcmState, VmState
from opennebula_core.testing.cloud_in_lab import CloudInLab
from opennebula_core.testing.kvmlab.lab import wait_until
from tests.end_to_end.estate import Estate, image_ready

pytestmark = pytest.mark.integration

LIMIT = timedelta(seconds=180)
QUICK = timedelta(seconds=60)
BALLAST_MIB = 192


def _wait_for_lcm(estate: Estate, vm_id: int, *wanted: LcmState) -> None:
    wait_until(lambda: estate.cloud.vm_states(vm_id)[1] in wanted, f"VM {vm_id} to be in {wanted}", LIMIT)


def _kill_and_start(cloud: CloudInLab) -> None:
    assert cloud.kill("oned") >= 1
    cloud.start()


def _heavy(estate: Estate, folder: Path) -> str:
    """Return the extra template of a VM whose transfer takes a while."""
    path = folder / "ballast.img"
    path.write_bytes(os.urandom(BALLAST_MIB << 20))
    text = f'NAME="ballast"\nPATH="{path}"\nTYPE="DATABLOCK"\n'
    ballast = int(estate.cloud.call("one.image.allocate", text, 1))
    wait_until(lambda: image_ready(estate.cloud, ballast), "the ballast to be READY", QUICK)
    return f"DISK=[IMAGE_ID={estate.image_id}]\nDISK=[IMAGE_ID={ballast}]\n"


def _one_domain_and_one_copy(estate: Estate, vm_id: int, disks: int) -> bool:
    """Return whether there is one domain of the VM, on its host, and each disk once, whole."""
    host = estate.host_of(vm_id)
    homes = [name for name, domains in estate.domains().items() if f"one-{vm_id}" in domains]
    files = {
        name: sorted(path.rpartition("/")[2] for path in paths if f"/{vm_id}/" in path)
        for name, paths in estate.disks().items()
    }
    there = [name for name in files.pop(host) if name.startswith("disk.")]
    expected = [f"disk.{number}" for number in range(disks + 1)]
    return homes == [host] and there == expected and not any(files.values())


def _terminate(estate: Estate, *vm_ids: int) -> None:
    for vm_id in vm_ids:
        estate.action("terminate-hard", vm_id)
    for vm_id in vm_ids:
        estate.cloud.wait_for_vm(vm_id, VmState.DONE, limit=LIMIT)
    assert estate.nothing_is_left()


@pytest.mark.parametrize("state", [LcmState.PROLOG, LcmState.BOOT], ids=["transfer", "boot"])
def test_a_deployment_survives_the_death_of_the_daemon(
    estate: Estate, tmp_path: Path, state: LcmState
) -> None:
    extra = _heavy(estate, tmp_path)
    vm_id = estate.instantiate("deployed", extra=extra)
    _wait_for_lcm(estate, vm_id, state)

    _kill_and_start(estate.cloud)

    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    assert estate.wait_for_answer(vm_id)["boots"] == "1"
    assert _one_domain_and_one_copy(estate, vm_id, disks=2)
    _terminate(estate, vm_id)


@pytest.mark.parametrize(
    ("live", "states"),
    [
        (True, [LcmState.MIGRATE]),
        (False, [LcmState.SAVE_MIGRATE]),
        (False, [LcmState.PROLOG_MIGRATE, LcmState.BOOT_MIGRATE]),
    ],
    ids=["live", "save", "move"],
)
def test_a_migration_survives_the_death_of_the_daemon(
    estate: Estate, tmp_path: Path, live: bool, states: list[LcmState]
) -> None:
    vm_id = estate.instantiate("moved", extra=_heavy(estate, tmp_path))
    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    estate.wait_for_answer(vm_id)
    host_id, name = estate.other_host(vm_id)
    estate.cloud.call("one.vm.migrate", vm_id, host_id, live, False, -1, 0)
    _wait_for_lcm(estate, vm_id, *states)

    _kill_and_start(estate.cloud)

    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    assert estate.host_of(vm_id) == name
    assert estate.wait_for_answer(vm_id)["boots"] == "1"
    assert _one_domain_and_one_copy(estate, vm_id, disks=2)
    _terminate(estate, vm_id)


def test_a_shutdown_survives_the_death_of_the_daemon(estate: Estate) -> None:
    vm_id = estate.instantiate("ended")
    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    estate.wait_for_answer(vm_id)
    estate.action("terminate", vm_id)
    _wait_for_lcm(estate, vm_id, LcmState.SHUTDOWN)

    _kill_and_start(estate.cloud)

    estate.cloud.wait_for_vm(vm_id, VmState.DONE, limit=LIMIT)
    assert estate.nothing_is_left()


@pytest.mark.parametrize(
    ("kind", "name", "state"),
    [("tm", "ssh", LcmState.PROLOG), ("vmm", "kvm", LcmState.BOOT)],
    ids=["transfer", "hypervisor"],
)
def test_a_deployment_survives_the_death_of_a_driver(
    estate: Estate, tmp_path: Path, kind: str, name: str, state: LcmState
) -> None:
    # The first guest starts the driver, so that there is one to kill.
    first = estate.instantiate("first")
    estate.cloud.wait_for_running(first, limit=LIMIT)
    vm_id = estate.instantiate("deployed", extra=_heavy(estate, tmp_path))
    _wait_for_lcm(estate, vm_id, state)

    assert estate.cloud.kill("onedriver", kind, name) >= 1

    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    assert estate.wait_for_answer(vm_id)["boots"] == "1"
    assert _one_domain_and_one_copy(estate, vm_id, disks=2)
    _terminate(estate, first, vm_id)


def test_a_host_whose_ssh_hangs_holds_nobody_up(estate: Estate) -> None:
    host_ids = dict(zip(estate.lab.hosts, estate.host_ids, strict=True))
    there = estate.instantiate("there", extra='SCHED_REQUIREMENTS="NAME = \\"host1\\""\n')
    estate.cloud.wait_for_running(there, limit=LIMIT)
    estate.wait_for_answer(there)

    estate.lab.hang_ssh("host1")
    estate.cloud.wait_for_host(host_ids["host1"], HostState.ERROR, limit=QUICK)
    wait_until(
        lambda: estate.cloud.vm_states(there) == (VmState.ACTIVE, LcmState.UNKNOWN),
        "the guest of the lost host to be UNKNOWN",
        QUICK,
    )
    elsewhere = estate.instantiate("elsewhere")
    estate.cloud.wait_for_running(elsewhere, limit=QUICK)
    assert estate.host_of(elsewhere) == "host2"

    estate.lab.resume_ssh("host1")
    estate.cloud.wait_for_host(host_ids["host1"], HostState.MONITORED, limit=QUICK)
    estate.cloud.wait_for_running(there, limit=QUICK)
    _terminate(estate, there, elsewhere)
