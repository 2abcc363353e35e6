"""Sixty VMs on dummy hosts while the daemon is killed again and again: each gets where it was going, once."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from opennebula_core.client import Client
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.testing.ports import free_port

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

VMS, HOSTS = 60, 3
START_LIMIT_S, SETTLE_LIMIT_S = 20.0, 90.0
CONFIGURATION = """[api]
port = {port}
[drivers.vmm.dummy.options]
delay_s = 0.3
[drivers.tm.dummy.options]
delay_s = 0.2
"""
TEMPLATE = """NAME=web
CPU=0.01
MEMORY=1
DISK=[IMAGE_ID={image}]
NIC=[NETWORK_ID={network}]
CONTEXT=[NETWORK=YES]
"""
Place = tuple[VmState, LcmState]
RUNNING = (VmState.ACTIVE, LcmState.RUNNING)
DONE = (VmState.DONE, LcmState.LCM_INIT)
ACTIONS: dict[str, Place] = {
    "suspend": (VmState.SUSPENDED, LcmState.LCM_INIT),
    "poweroff": (VmState.POWEROFF, LcmState.LCM_INIT),
    "stop": (VmState.STOPPED, LcmState.LCM_INIT),
    "undeploy": (VmState.UNDEPLOYED, LcmState.LCM_INIT),
    "terminate": DONE,
}


@dataclass
class MortalCloud:
    """A daemon of its own that can be killed."""

    location: Path
    port: int
    process: subprocess.Popen[bytes] = field(init=False)
    client: Client = field(init=False)

    def start(self) -> None:
        with (self.location / "oned.log").open("ab") as log:
            environment = {**os.environ, "ONE_LOCATION": str(self.location)}
            program = str(Path(sys.executable).parent / "oned")
            self.process = subprocess.Popen([program], env=environment, stderr=log)
        deadline = time.monotonic() + START_LIMIT_S
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                break
            assert time.monotonic() < deadline, "the daemon does not start"
            time.sleep(0.05)
        self.client = Client(f"http://127.0.0.1:{self.port}/RPC2", "oneadmin:secret")

    def kill(self) -> None:
        self.client.close()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        self.client.close()
        self.process.terminate()
        self.process.wait(30)

    def place(self, vm_id: int) -> Place:
        vm = self.client.element("one.vm.info", vm_id)
        return VmState(int(vm.findtext("STATE", ""))), LcmState(int(vm.findtext("LCM_STATE", "")))

    def host_of(self, vm_id: int) -> int:
        records = self.client.element("one.vm.info", vm_id).findall("HISTORY_RECORDS/HISTORY")
        return int(records[-1].findtext("HID", ""))

    def settle(self, wanted: dict[int, Place]) -> None:
        """Wait until every VM is where it was going."""
        deadline = time.monotonic() + SETTLE_LIMIT_S
        while True:
            astray = {vm_id: now for vm_id, place in wanted.items() if (now := self.place(vm_id)) != place}
            if not astray:
                return
            assert time.monotonic() < deadline, astray
            time.sleep(0.1)


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[MortalCloud]:
    port = free_port()
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/oned.toml").write_text(CONFIGURATION.format(port=port))
    (tmp_path / "one_auth").write_text("oneadmin:secret\n")
    cloud = MortalCloud(tmp_path, port)
    cloud.start()
    yield cloud
    cloud.stop()


def test_sixty_vms_survive_ten_deaths_of_the_daemon(cloud: MortalCloud) -> None:
    chance = random.Random(7)
    host_ids, network_id, image_id, vm_ids = _populate(cloud)
    for vm_id in vm_ids:
        cloud.client.call("one.vm.deploy", vm_id, chance.choice(host_ids), False, -1, "")
    _die(cloud, chance, times=4, within_s=1.2)
    cloud.settle(dict.fromkeys(vm_ids, RUNNING))

    wanted = {vm_id: _act(cloud, chance, vm_id, host_ids) for vm_id in vm_ids}
    _die(cloud, chance, times=4, within_s=0.8)
    cloud.settle(wanted)

    for vm_id in (vm_id for vm_id in vm_ids if wanted[vm_id] != DONE):
        cloud.client.call("one.vm.action", "terminate-hard", vm_id)
    _die(cloud, chance, times=2, within_s=0.5)
    cloud.settle(dict.fromkeys(vm_ids, DONE))

    assert cloud.client.element("one.vn.info", network_id).findtext("USED_LEASES") == "0"
    assert cloud.client.element("one.image.info", image_id).findtext("RUNNING_VMS") == "0"
    for host_id in host_ids:
        share = cloud.client.element("one.host.info", host_id).find("HOST_SHARE")
        assert share is not None
        assert [share.findtext(name) for name in ("RUNNING_VMS", "CPU_USAGE", "MEM_USAGE")] == ["0"] * 3
    guests = [path for path in (cloud.location / "var/dummy/hosts").rglob("*") if path.is_file()]
    assert guests == []


def _populate(cloud: MortalCloud) -> tuple[list[int], int, int, list[int]]:
    client = cloud.client
    host_ids = [client.integer("one.host.allocate", f"h{n}", "dummy", "dummy", -1) for n in range(HOSTS)]
    datastore_id = client.integer("one.datastore.allocate", "NAME=imgs\nDS_MAD=dummy\nTM_MAD=dummy\n", -1)
    image_id = client.integer("one.image.allocate", "NAME=img\nPATH=/any/image\n", datastore_id)
    network = f"NAME=net\nVN_MAD=dummy\nBRIDGE=br0\nAR=[TYPE=IP4,IP=10.0.0.2,SIZE={VMS}]\n"
    network_id = client.integer("one.vn.allocate", network, -1)
    _wait_for_image(cloud, image_id)
    template = TEMPLATE.format(image=image_id, network=network_id)
    return (
        host_ids,
        network_id,
        image_id,
        [client.integer("one.vm.allocate", template, False) for _ in range(VMS)],
    )


def _wait_for_image(cloud: MortalCloud, image_id: int) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while cloud.client.element("one.image.info", image_id).findtext("STATE") != "1":
        assert time.monotonic() < deadline, "the image does not become ready"
        time.sleep(0.1)


def _die(cloud: MortalCloud, chance: random.Random, *, times: int, within_s: float) -> None:
    for _ in range(times):
        time.sleep(chance.random() * within_s)
        cloud.kill()
        cloud.start()


def _act(cloud: MortalCloud, chance: random.Random, vm_id: int, host_ids: list[int]) -> Place:
    """Do something to a VM and return where that leads."""
    action = chance.choice([*ACTIONS, "live", "cold"])
    if action in ACTIONS:
        cloud.client.call("one.vm.action", action, vm_id)
        return ACTIONS[action]
    there = chance.choice([host_id for host_id in host_ids if host_id != cloud.host_of(vm_id)])
    cloud.client.call("one.vm.migrate", vm_id, there, action == "live", False, -1, 0)
    return RUNNING
