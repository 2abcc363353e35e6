from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.shell import Shell, wait_until


@pytest.fixture
def running(cloud: Shell, fresh_name: Callable[[str], str]) -> int:
    """A VM that runs."""
    return cloud.make(f"onevm create --name {fresh_name('vm')} --cpu 0.1 --memory 32 --wait --timeout 60")


def state(cloud: Shell, vm_id: int) -> str:
    return cloud.rows(f"onevm list -f ID<={vm_id},ID>={vm_id} -l LCM_STATE")[0][0]


@pytest.mark.parametrize(
    ("line", "arrives_at"),
    [
        ("poweroff", "POWEROFF"),
        ("poweroff --hard", "POWEROFF"),
        ("suspend", "SUSPENDED"),
        ("stop", "STOPPED"),
        ("undeploy", "UNDEPLOYED"),
        ("undeploy --hard", "UNDEPLOYED"),
    ],
)
def test_a_vm_is_put_to_rest_and_resumed(cloud: Shell, running: int, line: str, arrives_at: str) -> None:
    cloud.ok(f"onevm {line} {running} --wait --timeout 60")
    assert state(cloud, running) == arrives_at

    cloud.ok(f"onevm resume {running} --wait --timeout 60")
    assert state(cloud, running) == "RUNNING"


@pytest.mark.parametrize("hard", ["", "--hard"])
def test_a_terminated_vm_is_done_and_listed_so(cloud: Shell, running: int, hard: str) -> None:
    cloud.ok(f"onevm terminate {running} {hard} --wait --timeout 60")

    assert [str(running)] not in cloud.rows("onevm list -l ID")
    assert [str(running), "done"] in cloud.rows("onevm list --done -l ID,STAT")


def test_held_vms_are_released_and_run(cloud: Shell) -> None:
    vm_id = cloud.make("onevm create --cpu 0.1 --memory 32")
    cloud.ok(f"onevm terminate {vm_id}")
    vm_id = cloud.make("onevm create --cpu 0.1 --memory 32 --hold")

    cloud.ok(f"onevm release {vm_id} --wait --timeout 60")

    assert state(cloud, vm_id) == "RUNNING"


def test_a_guest_is_rebooted_and_marked_for_the_scheduler(cloud: Shell, running: int) -> None:
    cloud.ok(f"onevm reboot {running}")
    # One operation at a time: the second has to wait for the first.
    wait_until(lambda: cloud.run(f"onevm reboot --hard {running}").exit_code == 0)
    wait_until(lambda: cloud.run(f"onevm unresched {running}").exit_code == 0)

    assert state(cloud, running) == "RUNNING"


def test_one_failure_does_not_stop_the_rest(cloud: Shell) -> None:
    first, second = (cloud.make("onevm create --cpu 0.1 --memory 32 --hold") for _ in range(2))

    said = cloud.refused(f"onevm terminate {first},no-such-vm,{second}")

    assert "VM 'no-such-vm': there is none of that name" in said
    assert {state for (state,) in cloud.rows(f"onevm list --done -f ID>={first} -l STAT")} == {"done"}
    assert cloud.rows(f"onevm list -f ID>={first}") == []


def test_a_range_selects_all_in_it(cloud: Shell) -> None:
    ids = [cloud.make("onevm create --cpu 0.1 --memory 32 --hold") for _ in range(3)]

    cloud.ok(f"onevm terminate {ids[0]}..{ids[-1]}")

    assert cloud.rows(f"onevm list -f ID>={ids[0]}") == []


def test_what_the_state_forbids_is_refused_without_noise(cloud: Shell) -> None:
    vm_id = cloud.make("onevm create --cpu 0.1 --memory 32 --hold")

    said = cloud.refused(f"onevm suspend {vm_id}")

    assert said == (
        f'onevm: VM {vm_id}: Error performing action "suspend": This action is not available for state HOLD'
    )


def test_waiting_for_an_action_that_fails_tells_why(
    cloud: Shell, running: int, control: Callable[[str], None]
) -> None:
    control('{"vmm/SHUTDOWN": {"failure_rate": 1, "message": "the guest is deaf"}}')

    said = cloud.refused(f"onevm poweroff {running} --wait --timeout 60")

    assert "it is RUNNING" in said
    assert "the guest is deaf" in said
