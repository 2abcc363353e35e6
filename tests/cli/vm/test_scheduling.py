from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.cli.shell import Shell, wait_until


@pytest.fixture
def held(cloud: Shell) -> int:
    return cloud.make("onevm create --cpu 0.1 --memory 32 --hold")


def test_an_action_is_scheduled_shown_changed_and_removed(cloud: Shell, held: int) -> None:
    said = cloud.ok(f"onevm poweroff --hard {held} --weekly 1,5 --end 3", "--schedule", "2099-01-05 08:00")
    action_id = said.split()[-1]
    assert said.startswith(f"VM {held}: scheduled action")
    shown = cloud.ok(f"onevm show {held}")
    row = next(line for line in shown.splitlines() if "poweroff-hard" in line)
    assert "SCHEDULED ACTIONS" in shown
    assert row.split()[:2] == [action_id, "poweroff-hard"]
    assert "2099-01-05 08:00:00" in row
    assert "after 3 times" in row

    cloud.run(f"onevm sched-update {held} {action_id} -", stdin='SCHED_ACTION=[ACTION="hold"]\n')
    assert "poweroff-hard" not in cloud.ok(f"onevm show {held}")

    cloud.ok(f"onevm sched-delete {held} {action_id}")
    assert "SCHEDULED ACTIONS" not in cloud.ok(f"onevm show {held}")
    assert "doesn't exist" in cloud.refused(f"onevm sched-delete {held} {action_id}")


def test_what_is_scheduled_for_now_happens(cloud: Shell, held: int) -> None:
    cloud.ok(f"onevm terminate {held} --schedule now")
    wait_until(lambda: [str(held), "done"] in cloud.rows("onevm list --done -l ID,STAT"))


def test_several_vms_are_scheduled_relative_to_their_start(cloud: Shell, held: int) -> None:
    other = cloud.make("onevm create --cpu 0.1 --memory 32 --hold")
    said = cloud.ok(f"onevm release {held},{other} --schedule +100000 --hourly 4 --end 2099-01-01")
    assert said.count("scheduled action") == 2
    row = next(line for line in cloud.ok(f"onevm show {other}").splitlines() if " release " in line)
    assert str(time.localtime().tm_year) in row
    assert "2099-01-01 00:00:00" in row


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("hold {} --weekly 1", "--schedule MOMENT"),
        ("hold {} --schedule now --weekly 1 --monthly 1", "choose one of --weekly, --monthly"),
        ("hold {} --schedule now --end 3", "--end is for what comes again"),
        ("hold {} --schedule soon", "is no moment"),
        ("hold {} --schedule now --weekly 1 --end soon", "or how many times"),
        ("resched {} --schedule now", "No such option"),
    ],
)
def test_options_that_do_not_fit_are_refused(cloud: Shell, held: int, line: str, why: str) -> None:
    assert why in cloud.misused(f"onevm {line.format(held)}")


def test_days_that_are_none_are_refused_by_the_cloud(cloud: Shell, held: int) -> None:
    assert "0 (Sunday) to 6" in cloud.refused(f"onevm hold {held} --schedule now --weekly 9")


def snapshots(cloud: Shell, vm_id: int) -> list[str]:
    found = cloud.document(f"onevm show {vm_id}")["VM"]["TEMPLATE"].get("SNAPSHOT", [])
    return [snapshot["NAME"] for snapshot in found]


def test_snapshots_are_made_later(cloud: Shell, fresh_name: Callable[[str], str]) -> None:
    vm_id = cloud.make(f"onevm create --name {fresh_name('vm')} --cpu 0.1 --memory 32 --wait --timeout 60")
    assert "needs a NAME" in cloud.misused(f"onevm snapshot-create {vm_id} --schedule now")
    cloud.ok(f"onevm snapshot-create {vm_id} nightly --schedule now")
    wait_until(lambda: snapshots(cloud, vm_id) == ["nightly"])
    cloud.ok(f"onevm snapshot-delete {vm_id} 0 --schedule +100000")
    shown = cloud.ok(f"onevm show {vm_id}")
    assert any(line.split()[1:3] == ["snapshot-delete", "0"] for line in shown.splitlines())
    cloud.ok(f"onevm terminate {vm_id} --hard")
