from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from opennebula_core.config import Config, DriverSettings, Location
from opennebula_core.dummy.behaviour import write_control
from opennebula_core.errors import ConfigError, DriverGoneError, DriverTimeoutError, PluginError
from opennebula_core.wire.limits import Limits
from opennebula_core.wire.monitoring import HostCapacity, HostFailed, HostSystem, MonitorMessage
from opennebula_core.wire.pool import DriverPool
from opennebula_core.wire.requests import (
    AuthRequest,
    DatastoreRequest,
    MonitorRequest,
    Reply,
    TransferRequest,
    VmmRequest,
)
from opennebula_core.wire.services.drivers import ProcessSettings

Until = Callable[[Callable[[], object]], Awaitable[None]]

VM = "<VM><ID>7</ID><NAME>web</NAME><TEMPLATE><CPU>1</CPU><MEMORY>128</MEMORY></TEMPLATE></VM>"
DEPLOY = VmmRequest("DEPLOY", 7, "host01", VM)
HOST = "<HOST><ID>3</ID><NAME>host01</NAME></HOST>"
START = MonitorRequest("START_MONITOR", 3, HOST, "<MONITOR_CONFIGURATION/>")
LIMITS = Limits(first_pause_s=0.05, finalize_s=3)


class MakePool(Protocol):
    def __call__(self, **drivers: dict[str, DriverSettings]) -> DriverPool: ...


@pytest.fixture
def logs() -> list[tuple[object, ...]]:
    return []


@pytest.fixture
def messages() -> list[tuple[str, str, MonitorMessage]]:
    return []


@pytest.fixture
async def make_pool(
    location: Location, logs: list[Any], messages: list[tuple[str, str, MonitorMessage]]
) -> AsyncIterator[MakePool]:
    pools: list[DriverPool] = []

    def make(**drivers: dict[str, DriverSettings]) -> DriverPool:
        pools.append(
            DriverPool(
                Config(location, drivers=drivers),
                on_log=lambda *event: logs.append(event),
                on_message=lambda *event: messages.append(event),
                on_progress=lambda *event: logs.append(event),
                limits=LIMITS,
            )
        )
        return pools[-1]

    yield make
    for pool in pools:
        await pool.stop()


async def test_a_driver_is_found_by_kind_and_name(make_pool: MakePool, logs: list[Any]) -> None:
    pool = make_pool()

    reply = await pool.request("vmm", "dummy", DEPLOY)

    assert reply == Reply(True, "one-7")
    assert ("vmm", "dummy", "I", 7, "Successfully execute virtualization driver operation: deploy.") in logs
    status = pool.status()[0]
    assert (status.kind, status.name, status.starts, status.in_flight) == ("vmm", "dummy", 1, 0)


async def test_each_kind_can_be_asked(make_pool: MakePool, tmp_path: Path) -> None:
    pool = make_pool()
    script = tmp_path / "transfer.0.prolog"
    script.write_text("CLONE dummy fe:/ds/1/img host01:/ds/0/7/disk.0 7 1\n")
    store = "<DATASTORE><ID>1</ID><DS_MAD>dummy</DS_MAD><BASE_PATH>/ds/1</BASE_PATH></DATASTORE>"

    replies = await asyncio.gather(
        pool.request("tm", "dummy", TransferRequest(7, script)),
        pool.request("datastore", "dummy", DatastoreRequest("CP", 4, "<IMAGE><ID>4</ID></IMAGE>", store)),
        pool.request("auth", "dummy", AuthRequest(1, -1, "dummy", "bob", "-", "two words")),
        pool.request("im", "dummy", START),
    )

    assert replies[0] == Reply(True, "")
    assert replies[1] == Reply(True, "/ds/1/dummy-4 raw")
    assert replies[2] == Reply(True, "dummy bob two words")
    assert replies[3] == Reply(True, "")


async def test_a_driver_that_is_not_installed_is_named(make_pool: MakePool) -> None:
    pool = make_pool()

    with pytest.raises(DriverGoneError, match=r"no driver 'nosuch' in opennebula.vmm: installed are"):
        await pool.request("vmm", "nosuch", DEPLOY)


async def test_settings_and_their_secrets_are_in_no_command_line(make_pool: MakePool) -> None:
    options = {"delays": "DEPLOY=0.3", "fail": "POLL,secret-42"}
    pool = make_pool(vmm={"dummy": DriverSettings(options=options)})

    reply = await pool.request("vmm", "dummy", replace(DEPLOY, action="POLL"))

    assert not reply.success
    process = Path("/proc") / str(pool.status()[0].pid)
    assert b"secret-42" not in process.joinpath("cmdline").read_bytes()
    assert b"secret-42" not in process.joinpath("environ").read_bytes()


def test_a_driver_s_process_learns_the_options_of_what_it_may_load_only(location: Location) -> None:
    drivers = {kind: {"dummy": DriverSettings(options={"delay_s": 1.0})} for kind in ("vmm", "tm", "auth")}
    config = Config(location, drivers=drivers)

    assert set(ProcessSettings.from_config(config, "vmm", "dummy").options) == {"vmm", "tm", "vnm"}
    assert ProcessSettings.from_config(config, "tm", "dummy").options == {"tm": {"dummy": {"delay_s": 1.0}}}


async def test_wrong_options_of_a_driver_are_named(make_pool: MakePool) -> None:
    pool = make_pool(vmm={"dummy": DriverSettings(options={"delay": 1})})

    with pytest.raises(DriverGoneError, match=r"it refused: read option 'delay'.*did you mean 'delays'"):
        await pool.request("vmm", "dummy", DEPLOY)


async def test_a_configured_limit_goes_before_the_action_s_own(
    make_pool: MakePool, location: Location
) -> None:
    write_control(location.root, {"vmm/DEPLOY": {"hang": True}})
    pool = make_pool(vmm={"dummy": DriverSettings(timeout_s=1.5)})

    with pytest.raises(DriverTimeoutError, match=r"did not answer in 1.5 s"):
        await pool.request("vmm", "dummy", DEPLOY, timeout=timedelta(hours=1))


async def test_a_slow_transfer_reports_progress(
    make_pool: MakePool, location: Location, logs: list[Any], tmp_path: Path
) -> None:
    write_control(location.root, {"tm/CLONE": {"delay_s": 1.2}})
    script = tmp_path / "transfer.0.prolog"
    script.write_text("CLONE dummy fe:/ds/1/img host01:/ds/0/7/disk.0 7 1\n")
    pool = make_pool()
    await pool.describe("tm", "dummy")

    reply = await pool.request("tm", "dummy", TransferRequest(7, script), timeout=timedelta(seconds=1))

    assert reply.success
    assert logs[-1] == ("tm", "dummy", 7, 10, 10)


async def test_cancel_ends_an_action_in_the_driver_too(
    make_pool: MakePool, location: Location, logs: list[Any], until: Until
) -> None:
    write_control(location.root, {"vmm/DEPLOY": {"hang": True}})
    pool = make_pool()
    deploy = asyncio.create_task(pool.request("vmm", "dummy", DEPLOY))
    await until(lambda: pool.status() and pool.status()[0].in_flight)

    await pool.cancel("vmm", "dummy", 7)

    assert await deploy == Reply(False, "driver command for 7 cancelled")
    await until(lambda: ("vmm", "dummy", "I", 7, "Driver command for 7 cancelled") in logs)


async def test_a_driver_that_crashes_fails_its_requests_and_serves_the_next(
    make_pool: MakePool, location: Location
) -> None:
    write_control(location.root, {"vmm/DEPLOY": {"exit": True}})
    pool = make_pool()

    with pytest.raises(DriverGoneError, match="it ended with status 3"):
        await pool.request("vmm", "dummy", DEPLOY)
    write_control(location.root, {})

    assert (await pool.request("vmm", "dummy", replace(DEPLOY, attempt=2))).success


async def test_describe_asks_once_and_only_once(make_pool: MakePool) -> None:
    pool = make_pool()

    first, second = await asyncio.gather(pool.describe("vmm", "dummy"), pool.describe("vmm", "dummy"))

    assert first is second
    assert "MIGRATE" in first.actions
    assert (first.kind, first.name, first.distribution) == ("vmm", "dummy", "opennebula-core")
    assert pool.status() == []
    assert "PRE" in (await pool.describe("vnm", "dummy")).actions


async def test_describe_of_a_driver_that_is_missing_says_so_each_time(make_pool: MakePool) -> None:
    pool = make_pool()

    for _ in range(2):
        with pytest.raises(PluginError, match=r"no driver 'nosuch' in opennebula\.tm"):
            await pool.describe("tm", "nosuch")


BASH = """
while read -r action id rest; do
  case $action in
    INIT) echo INIT SUCCESS - - ;;
    FINALIZE) exit 0 ;;
    *) echo "LOG I $id argument: $1"; echo "LOG I $id cloud: $ONE_LOCATION"; echo "LOG I $id folder: $PWD"
       echo "$action SUCCESS $id $rest" ;;
  esac
done
"""


async def test_any_program_can_take_the_place_of_a_plugin(
    make_pool: MakePool, location: Location, program: Callable[[str], Path], logs: list[Any]
) -> None:
    settings = DriverSettings(executable=str(program(BASH)), arguments="-t 15 -r 0 kvm", dialect="3.0")
    pool = make_pool(vmm={"kvm": settings})
    request = replace(DEPLOY, remote_deployment_file="/srv/one/var/7/images/deployment.0")

    reply = await pool.request("vmm", "kvm", request)

    assert reply == Reply(True, "host01 /srv/one/var/7/images/deployment.0 -")
    assert [event[4] for event in logs] == [
        "argument: -t 15 -r 0 kvm",
        f"cloud: {location}",
        f"folder: {location.var}",
    ]
    assert "SCRIPTS_REMOTE_DIR=" in (location.var / "config").read_text()


async def test_what_an_executable_can_do_is_said_by_its_release(
    make_pool: MakePool, program: Callable[[str], Path]
) -> None:
    file = str(program(BASH))
    pool = make_pool(
        vmm={
            "old": DriverSettings(executable=file, dialect="2.0"),
            "new": DriverSettings(executable=file, description="kvm"),
        },
        tm={"old": DriverSettings(executable=file, dialect="3.4")},
    )

    assert set((await pool.describe("vmm", "old")).actions) == {
        "DEPLOY", "SHUTDOWN", "CANCEL", "SAVE", "RESTORE", "MIGRATE", "POLL"
    }  # fmt: skip
    assert "ATTACHDISK" in (await pool.describe("vmm", "new")).actions
    assert "CPDS" in (await pool.describe("tm", "old")).actions
    assert pool.is_executable("vmm", "old")
    assert not pool.is_executable("vmm", "dummy")
    assert [pool.describer(name) for name in ("old", "new", "dummy")] == ["", "kvm", "dummy"]
    assert [pool.context_in_deploy(name) for name in ("old", "new", "dummy")] == [False, True, True]
    assert pool.may_resend("vmm", "dummy", DEPLOY)
    assert not pool.may_resend("vmm", "dummy", "REBOOT")
    assert not pool.may_resend("vmm", "new", DEPLOY)
    assert pool.may_resend("vmm", "new", "CANCEL")


async def test_a_program_that_is_not_there_is_named(make_pool: MakePool) -> None:
    pool = make_pool(vmm={"kvm": DriverSettings(executable="one_vmm_exec")})

    with pytest.raises(
        DriverGoneError, match=r"start the driver program 'one_vmm_exec': it is no executable"
    ):
        await pool.request("vmm", "kvm", DEPLOY)
    with pytest.raises(ConfigError, match="correct `executable`"):
        await pool.describe("vmm", "kvm")


async def test_programs_are_found_where_opennebula_has_them(
    make_pool: MakePool, location: Location, program: Callable[[str], Path]
) -> None:
    mads = location.root / "lib" / "mads"
    mads.mkdir(parents=True)
    program(BASH).rename(mads / "one_vmm_kvm")
    pool = make_pool(vmm={"kvm": DriverSettings(executable="one_vmm_kvm", dialect="2.0")})

    assert (await pool.request("vmm", "kvm", replace(DEPLOY, action="POLL", deploy_id="x"))).success


async def test_watched_hosts_are_watched_again_after_the_driver_died(
    make_pool: MakePool, messages: list[tuple[str, str, MonitorMessage]], until: Until
) -> None:
    pool = make_pool()
    assert (await pool.request("im", "dummy", START)).success
    messages.clear()

    os.kill(pool.status()[0].pid, signal.SIGKILL)

    await until(lambda: any(isinstance(message, HostSystem) for _, _, message in messages))
    assert pool.status()[0].starts == 2


async def test_a_host_that_is_no_longer_watched_is_not_watched_again(
    make_pool: MakePool, messages: list[tuple[str, str, MonitorMessage]], until: Until
) -> None:
    pool = make_pool()
    await pool.request("im", "dummy", START)
    await pool.request("im", "dummy", replace(START, action="STOP_MONITOR"))
    os.kill(pool.status()[0].pid, signal.SIGKILL)
    await until(lambda: pool.status()[0].pid == 0)

    await asyncio.sleep(0.3)

    assert pool.status()[0].starts == 1


OLD_IM = """
while read -r action id host update; do
  case $action in
    INIT) echo INIT SUCCESS - - ;;
    FINALIZE) exit 0 ;;
    MONITOR) if [ -e fail ]; then echo "MONITOR FAILURE $id no route"
             else echo "MONITOR SUCCESS $id TOTALCPU=400,USEDCPU=$update,HYPERVISOR=kvm"; fi ;;
  esac
done
"""


async def test_a_driver_of_2_0_is_asked_again_and_again(
    make_pool: MakePool,
    program: Callable[[str], Path],
    location: Location,
    messages: list[tuple[str, str, MonitorMessage]],
    until: Until,
) -> None:
    pool = make_pool(im={"kvm": DriverSettings(executable=str(program(OLD_IM)), dialect="2.0")})
    configuration = (
        "<MONITOR_CONFIGURATION><PROBES_PERIOD><MONITOR_HOST>0.1</MONITOR_HOST></PROBES_PERIOD>"
        "</MONITOR_CONFIGURATION>"
    )
    start = replace(START, configuration_xml=configuration)

    assert (await pool.request("im", "kvm", start)).success

    def used() -> list[str]:
        capacities = [message for _, _, message in messages if isinstance(message, HostCapacity)]
        return [capacity.attributes.get("USEDCPU") for capacity in capacities]

    await until(lambda: len(used()) > 3)
    assert used()[:3] == ["1", "0", "0"]  # the first look copied the probes
    (location.var / "fail").touch()
    await until(lambda: any(message == HostFailed(3, 0, "no route") for _, _, message in messages))
    assert (await pool.request("im", "kvm", replace(start, action="STOP_MONITOR"))).success
    count = len(messages)
    await asyncio.sleep(0.3)
    assert len(messages) == count


async def test_stop_ends_all_drivers_and_leaves_no_process(make_pool: MakePool, until: Until) -> None:
    pool = make_pool()
    await asyncio.gather(pool.request("vmm", "dummy", DEPLOY), pool.request("im", "dummy", START))
    pids = [status.pid for status in pool.status()]
    assert all(Path(f"/proc/{pid}").exists() for pid in pids)

    await pool.stop()

    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    with pytest.raises(DriverGoneError, match="the core ends"):
        await pool.request("vmm", "dummy", DEPLOY)
