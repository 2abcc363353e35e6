"""The scheduler against a real core with dummy drivers: policies swapped, leases on the clock, crashes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest

from opennebula_core.client import Client
from opennebula_core.client.environment import read_session
from opennebula_core.config import Location
from opennebula_core.config.pid_file import running_pid
from opennebula_core.model.states import HostState, LcmState, VmState
from opennebula_core.testing.ports import free_port

LIMIT_S = 30.0
RUNNING = (VmState.ACTIVE, LcmState.RUNNING)


class RealCloud:
    """A cloud of its own: ``one start`` on a free port, hosts with dummy drivers."""

    def __init__(self, root: Path) -> None:
        self.location = Location.at(root)
        self.port = free_port()
        self.one("start", "--port", str(self.port))
        self.client = Client(
            f"http://127.0.0.1:{self.port}/RPC2", read_session(self.location.auth_file), timeout_s=LIMIT_S
        )

    def one(self, *arguments: str) -> None:
        done = subprocess.run(
            [Path(sys.executable).parent / "one", *arguments],
            env={**os.environ, "ONE_LOCATION": str(self.location)},
            capture_output=True,
            text=True,
            timeout=2 * LIMIT_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def close(self) -> None:
        self.client.close()
        self.one("stop")

    def add_hosts(self, count: int) -> list[int]:
        ids = [
            self.client.integer("one.host.allocate", f"host{number:02}", "dummy", "dummy", -1)
            for number in range(count)
        ]
        for host_id in ids:
            self.wait_until(lambda host_id=host_id: self._host_state(host_id) == HostState.MONITORED)  # type: ignore[misc]  # a default binds it
        return ids

    def _host_state(self, host_id: int) -> int:
        return int(self.client.element("one.host.info", host_id).findtext("STATE", "-1"))

    def submit(self, template: str = "", cpu: float = 1.0) -> int:
        return self.client.integer("one.vm.allocate", f"NAME=vm\nCPU={cpu}\nMEMORY=64\n{template}\n", False)

    def vm(self, vm_id: int) -> Element:
        return self.client.element("one.vm.info", vm_id)

    def state(self, vm_id: int) -> tuple[int, int]:
        vm = self.vm(vm_id)
        return int(vm.findtext("STATE", "-1")), int(vm.findtext("LCM_STATE", "-1"))

    def host_of(self, vm_id: int) -> int:
        return int(self.vm(vm_id).findtext("HISTORY_RECORDS/HISTORY[last()]/HID", "-1"))

    def message(self, vm_id: int) -> str:
        return self.vm(vm_id).findtext("USER_TEMPLATE/SCHED_MESSAGE", "")

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + LIMIT_S
        while not is_so():
            assert time.monotonic() < deadline_s, self.log()
            time.sleep(0.02)

    def wait_for_state(self, vm_id: int, state: tuple[int, int]) -> None:
        self.wait_until(lambda: self.state(vm_id) == state)

    def choose(self, policy: str, options: str = "") -> None:
        """Change the policy in the configuration and have the running scheduler read it."""
        text = f"[api]\nport = {self.port}\n[scheduler]\npolicy = '{policy}'\n{options}"
        self.location.config_file.write_text(text)
        before = self.log().count("is in charge")
        os.kill(running_pid(self.location, "onesched"), signal.SIGHUP)
        self.wait_until(lambda: self.log().count("is in charge") > before)

    def log(self) -> str:
        return self.location.log_file("onesched").read_text()


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealCloud]:
    for name in ("ONE_XMLRPC", "ONE_AUTH", "ONE_CIPHER_AUTH"):
        monkeypatch.delenv(name, raising=False)
    cloud = RealCloud(tmp_path / "one")
    yield cloud
    cloud.close()


def test_default_haizea_and_back_on_a_running_cloud(cloud: RealCloud) -> None:
    first, second = cloud.add_hosts(2)
    cloud.choose("default", "[scheduler.default]\npolicy = 'packing'\n")
    packed = [cloud.submit(), cloud.submit()]
    for vm_id in packed:
        cloud.wait_for_state(vm_id, RUNNING)
        assert cloud.host_of(vm_id) == first
    cloud.choose("haizea")
    leased = cloud.submit('HAIZEA = [ START = "now", DURATION = "00:00:02" ]')
    cloud.wait_for_state(leased, RUNNING)
    assert cloud.host_of(leased) == second
    cloud.wait_for_state(leased, (VmState.DONE, LcmState.LCM_INIT))
    cloud.choose("default", "[scheduler.default]\npolicy = 'packing'\n")
    last = cloud.submit()
    cloud.wait_for_state(last, RUNNING)
    assert cloud.host_of(last) == first
    assert [cloud.state(vm_id) for vm_id in packed] == [RUNNING, RUNNING]


def test_a_reservation_is_kept_against_the_queue(cloud: RealCloud) -> None:
    cloud.add_hosts(1)
    cloud.choose("haizea", "[scheduler.haizea]\nending_s = 1.0\n")
    start_s = int(time.time()) + 8
    reserved = cloud.submit(f'HAIZEA = [ START = "{start_s}", DURATION = "00:00:04" ]', cpu=8)
    cloud.wait_until(lambda: "Reserved from" in cloud.message(reserved))
    queued = cloud.submit(cpu=8)
    cloud.wait_until(lambda: "Queued; the earliest possible start is" in cloud.message(queued))
    refused = cloud.submit(f'HAIZEA = [ START = "{start_s + 1}", DURATION = "60" ]', cpu=8)
    cloud.wait_until(lambda: "cannot be given; the earliest possible start is" in cloud.message(refused))
    cloud.wait_for_state(reserved, RUNNING)
    began_s = int(cloud.vm(reserved).findtext("HISTORY_RECORDS/HISTORY/RSTIME", "0"))
    assert start_s <= began_s < start_s + 4
    assert cloud.state(queued)[0] == VmState.PENDING
    cloud.wait_for_state(queued, RUNNING)
    assert cloud.state(reserved)[0] == VmState.DONE


def test_a_promise_survives_the_schedulers_death(cloud: RealCloud) -> None:
    cloud.add_hosts(1)
    cloud.choose("haizea")
    start_s = int(time.time()) + 8
    reserved = cloud.submit(f'HAIZEA = [ START = "{start_s}", DURATION = "01:00:00" ]', cpu=8)
    cloud.wait_until(lambda: cloud.vm(reserved).find("USER_TEMPLATE/HAIZEA_LEASE") is not None)
    os.kill(running_pid(cloud.location, "onesched"), signal.SIGKILL)
    cloud.wait_until(lambda: not running_pid(cloud.location, "onesched"))
    greedy = cloud.submit('HAIZEA = [ START = "now", DURATION = "01:00:00" ]', cpu=8)
    cloud.one("start")
    cloud.wait_for_state(reserved, RUNNING)
    assert cloud.state(greedy)[0] == VmState.PENDING


def test_vms_are_placed_after_the_core_was_killed(cloud: RealCloud) -> None:
    cloud.add_hosts(1)
    scheduler = running_pid(cloud.location, "onesched")
    os.kill(running_pid(cloud.location, "oned"), signal.SIGKILL)
    cloud.wait_until(lambda: not running_pid(cloud.location, "oned"))
    cloud.one("start")
    vm_id = cloud.submit()
    cloud.wait_for_state(vm_id, RUNNING)
    assert running_pid(cloud.location, "onesched") == scheduler


def test_a_vm_that_fits_nowhere_is_told_and_placed_when_there_is_room(cloud: RealCloud) -> None:
    [host_id] = cloud.add_hosts(1)
    large = cloud.submit(cpu=8)
    cloud.wait_for_state(large, RUNNING)
    waiting = cloud.submit(cpu=8)
    cloud.wait_until(lambda: "not enough free CPU on 1 host" in cloud.message(waiting))
    cloud.client.call("one.vm.action", "terminate-hard", large)
    cloud.wait_for_state(waiting, RUNNING)
    assert cloud.host_of(waiting) == host_id


def test_a_vm_that_is_flagged_moves_to_another_host(cloud: RealCloud) -> None:
    first, second = cloud.add_hosts(2)
    vm_id = cloud.submit()
    cloud.wait_for_state(vm_id, RUNNING)
    assert cloud.host_of(vm_id) == first
    cloud.client.call("one.vm.action", "resched", vm_id)
    cloud.wait_until(lambda: cloud.host_of(vm_id) == second)
    cloud.wait_for_state(vm_id, RUNNING)
    assert cloud.vm(vm_id).findtext("RESCHED") == "0"


def test_a_plain_users_vm_is_placed_by_the_rules_of_access(cloud: RealCloud) -> None:
    cloud.add_hosts(1)
    cloud.client.call("one.user.allocate", "ann", "secret", "core", [])
    with Client(cloud.client.endpoint, "ann:secret") as ann:
        vm_id = ann.integer("one.vm.allocate", "NAME=vm\nCPU=1\nMEMORY=64\n", False)
    cloud.wait_for_state(vm_id, RUNNING)


def test_over_committing_a_host_lets_a_waiting_vm_in(cloud: RealCloud) -> None:
    [host_id] = cloud.add_hosts(1)
    cloud.wait_for_state(cloud.submit(cpu=8), RUNNING)
    waiting = cloud.submit(cpu=4)
    cloud.wait_until(lambda: "not enough free CPU on 1 host" in cloud.message(waiting))
    cloud.client.call("one.host.update", host_id, 'RESERVED_CPU = "-400"', 1)
    cloud.wait_for_state(waiting, RUNNING)


def test_a_burst_is_spread_evenly_over_the_hosts(cloud: RealCloud) -> None:
    hosts = cloud.add_hosts(3)
    vms = [cloud.submit(cpu=0.1) for _ in range(30)]
    for vm_id in vms:
        cloud.wait_for_state(vm_id, RUNNING)
    placed = [cloud.host_of(vm_id) for vm_id in vms]
    assert [placed.count(host_id) for host_id in hosts] == [10, 10, 10]


def test_vms_of_groups_are_together_or_apart_as_the_groups_say(cloud: RealCloud) -> None:
    hosts = cloud.add_hosts(2)
    group_id = cloud.client.integer(
        "one.vmgroup.allocate",
        'NAME=app\nROLE=[NAME=db,POLICY=ANTI_AFFINED]\nROLE=[NAME=web,POLICY=AFFINED]\nANTI_AFFINED="web,db"\n',
    )

    def submit(role: str, cpu: float = 1.0) -> int:
        return cloud.submit(f"VMGROUP=[VMGROUP_ID={group_id},ROLE={role}]", cpu)

    first = submit("db")
    cloud.wait_for_state(first, RUNNING)
    webs = [submit("web"), submit("web")]
    for vm_id in webs:
        cloud.wait_for_state(vm_id, RUNNING)
    assert {cloud.host_of(vm_id) for vm_id in webs} == set(hosts) - {cloud.host_of(first)}
    waiting = submit("db")
    cloud.wait_until(lambda: "anti-affine with VMs " in cloud.message(waiting))
    for vm_id in webs:
        cloud.client.call("one.vm.action", "terminate-hard", vm_id)
    cloud.wait_for_state(waiting, RUNNING)
    assert cloud.host_of(waiting) != cloud.host_of(first)
