from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from opennebula_core.contracts.driver import DriverContext
from opennebula_core.dummy.behaviour import Act, Behaviour, write_control
from opennebula_core.dummy.vmm import DummyVmm
from opennebula_core.errors import DriverError

Context = Callable[..., DriverContext]


class Told:
    def __init__(self) -> None:
        self.progressed: list[tuple[int, int]] = []

    def info(self, text: str) -> None: ...

    def warning(self, text: str) -> None: ...

    def error(self, text: str) -> None: ...

    def progress(self, done: int, total: int) -> None:
        self.progressed.append((done, total))


def behaviour(context: DriverContext) -> Behaviour:
    return Behaviour("vmm", DummyVmm(context))


async def fails(behaviour: Behaviour, act: Act) -> bool:
    try:
        await behaviour.before(act)
    except DriverError:
        return True
    return False


async def test_by_default_everything_succeeds_at_once(context: Context) -> None:
    started = time.monotonic()

    await behaviour(context()).before(Act("DEPLOY", 7, "host01"))

    assert time.monotonic() - started < 5


async def test_options_delay_actions(context: Context) -> None:
    slow = behaviour(context(delay_s=0.1, delays="SAVE=0.3, restore=0"))

    for action, expected_s in (("DEPLOY", 0.1), ("SAVE", 0.3), ("RESTORE", 0.0)):
        started = time.monotonic()
        await slow.before(Act(action))
        assert expected_s <= time.monotonic() - started < expected_s + 5


async def test_options_fail_actions(context: Context) -> None:
    failing = behaviour(context(fail="MIGRATE, save"))

    assert await fails(failing, Act("MIGRATE", 7))
    assert await fails(failing, Act("SAVE", 7))
    assert not await fails(failing, Act("DEPLOY", 7))


async def test_a_rate_fails_that_part_always_the_same(context: Context) -> None:
    unlucky = behaviour(context(failure_rate=0.3))
    acts = [Act("DEPLOY", vm_id, "host01") for vm_id in range(500)]

    failed = [await fails(unlucky, act) for act in acts]

    assert 100 < sum(failed) < 200
    assert failed == [await fails(unlucky, act) for act in acts]
    again = [Act("DEPLOY", vm_id, "host01", attempt=2) for vm_id in range(500)]
    assert failed != [await fails(unlucky, act) for act in again]


async def test_the_control_file_changes_a_running_driver(context: Context, tmp_path: Path) -> None:
    driver = behaviour(context())
    assert not await fails(driver, Act("DEPLOY", 7))

    write_control(tmp_path, {"vmm/DEPLOY": {"failure_rate": 1, "message": "no room on host01"}})
    with pytest.raises(DriverError, match="no room on host01"):
        await driver.before(Act("DEPLOY", 7))

    write_control(tmp_path, {})
    assert not await fails(driver, Act("DEPLOY", 7))
    (tmp_path / "var" / "dummy" / "control.json").unlink()
    assert not await fails(driver, Act("DEPLOY", 7))


async def test_a_rule_may_be_about_some_vms_hosts_or_times(context: Context, tmp_path: Path) -> None:
    driver = behaviour(context())
    write_control(
        tmp_path,
        {
            "vmm/DEPLOY": {"failure_rate": 1, "vm_ids": [7]},
            "vmm/SAVE": {"failure_rate": 1, "hosts": ["host02"]},
            "vmm/CANCEL": {"failure_rate": 1, "times": 2},
        },
    )

    assert [await fails(driver, Act("DEPLOY", vm_id)) for vm_id in (7, 8)] == [True, False]
    assert [await fails(driver, Act("SAVE", 7, host)) for host in ("host01", "host02")] == [False, True]
    assert [await fails(driver, Act("CANCEL", 7)) for _ in range(3)] == [True, True, False]


async def test_a_rule_of_the_action_goes_before_one_of_the_kind_and_both_before_options(
    context: Context, tmp_path: Path
) -> None:
    driver = behaviour(context(fail="DEPLOY,SAVE,CANCEL"))
    write_control(tmp_path, {"vmm/*": {}, "vmm/SAVE": {"failure_rate": 1}, "tm/*": {"failure_rate": 1}})

    assert [await fails(driver, Act(action, 7)) for action in ("DEPLOY", "SAVE")] == [False, True]


async def test_a_control_file_that_makes_no_sense_is_named(context: Context, tmp_path: Path) -> None:
    driver = behaviour(context())
    write_control(tmp_path, {"vmm/*": {"dely_s": 1}})

    with pytest.raises(DriverError, match=r"control.json: .*'dely_s'; correct it, or remove it"):
        await driver.before(Act("DEPLOY", 7))


async def test_an_action_may_hang(context: Context, tmp_path: Path) -> None:
    write_control(tmp_path, {"vmm/*": {"hang": True}})

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(behaviour(context()).before(Act("DEPLOY", 7)), 0.1)


def test_an_action_may_end_the_process(tmp_path: Path) -> None:
    write_control(tmp_path, {"vmm/*": {"exit": True}})
    program = (
        "import asyncio; from pathlib import Path\n"
        "from opennebula_core.contracts.driver import DriverContext\n"
        "from opennebula_core.dummy.behaviour import Act, Behaviour\n"
        "from opennebula_core.dummy.vmm import DummyVmm\n"
        f"driver = DummyVmm(DriverContext('dummy', Path({str(tmp_path)!r})))\n"
        "asyncio.run(Behaviour('vmm', driver).before(Act('DEPLOY', 7)))\n"
    )

    done = subprocess.run([sys.executable, "-c", program], env=dict(os.environ), check=False)

    assert done.returncode == 3


async def test_a_delay_reports_progress_to_whoever_listens(context: Context) -> None:
    told = Told()

    await behaviour(context(delay_s=0.1)).before(Act("CLONE", 7, report=told))

    assert told.progressed == [(step, 10) for step in range(1, 11)]
