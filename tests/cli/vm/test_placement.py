from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.shell import Shell, wait_until


def host_of(cloud: Shell, vm_id: int) -> str:
    return cloud.rows(f"onevm list -f ID<={vm_id},ID>={vm_id} -l HOST")[0][0]


@pytest.fixture
def on_host01(cloud: Shell) -> int:
    """A VM that runs on host01, whatever the scheduler would have chosen."""
    vm_id = cloud.make("onevm create --cpu 0.1 --memory 32 --hold")
    cloud.ok(f"onevm deploy {vm_id} host01 --wait --timeout 60")
    return vm_id


def test_a_vm_is_deployed_where_it_is_told(cloud: Shell, on_host01: int) -> None:
    assert host_of(cloud, on_host01) == "host01"


def test_a_system_datastore_may_be_named(cloud: Shell) -> None:
    vm_id = cloud.make("onevm create --cpu 0.1 --memory 32 --hold")

    cloud.ok(f"onevm deploy {vm_id} host02 system --wait --timeout 60")

    assert host_of(cloud, vm_id) == "host02"


@pytest.mark.parametrize("way", ["", "--live", "--poweroff", "--poweroff-hard"])
def test_a_running_vm_is_moved(cloud: Shell, on_host01: int, way: str) -> None:
    cloud.ok(f"onevm migrate {on_host01} host02 {way} --wait --timeout 60")

    assert host_of(cloud, on_host01) == "host02"
    assert cloud.document(f"onevm show {on_host01}")["VM"]["LCM_STATE"] == "3"


def test_capacity_is_enforced_when_asked(cloud: Shell) -> None:
    vm_id = cloud.make("onevm create --cpu 0.1 --memory 100T --hold")

    assert "does not have enough capacity" in cloud.refused(f"onevm deploy {vm_id} host01 --enforce")


def test_a_failed_vm_is_recovered(cloud: Shell, control: Callable[[str], None]) -> None:
    control('{"vmm/DEPLOY": {"failure_rate": 1, "times": 1}}')
    vm_id = cloud.make("onevm create --cpu 0.1 --memory 32 --hold")
    cloud.refused(f"onevm deploy {vm_id} host01 --wait --timeout 60")

    cloud.ok(f"onevm recover --retry {vm_id} --wait --timeout 60")

    assert cloud.document(f"onevm show {vm_id}")["VM"]["LCM_STATE"] == "3"


def test_a_vm_is_recreated_and_deleted_by_recover(cloud: Shell, on_host01: int) -> None:
    cloud.ok(f"onevm recover --recreate {on_host01} --wait --timeout 60")
    cloud.ok(f"onevm recover {on_host01} --delete --wait --timeout 60")

    assert cloud.document(f"onevm show {on_host01}")["VM"]["STATE"] == "6"


def test_recover_wants_to_know_how(cloud: Shell) -> None:
    assert "--failure, --success, --retry" in cloud.misused("onevm recover 0")


def test_a_removal_that_is_held_up_ends_the_waiting_and_is_told_by_the_doctor(
    cloud: Shell, control: Callable[[str], None]
) -> None:
    vm_id = cloud.make("onevm create --cpu 0.1 --memory 16 --wait --timeout 60")
    control('{"vmm/CANCEL": {"failure_rate": 1, "message": "the host is out of reach"}}')

    said = cloud.refused(f"onevm recover {vm_id} --delete --wait --timeout 60")

    assert "the host is out of reach; the guest may still run on host" in said
    findings = cloud.run("one doctor --json").stdout
    assert f"onevm recover {vm_id} --retry, or --success once its guest is surely gone" in findings
    control("{}")
    cloud.ok(f"onevm recover {vm_id} --retry")
    wait_until(lambda: [str(vm_id)] in cloud.rows("onevm list --done -l ID"))
