"""The information driver's own process before real hosts: from START_MONITOR to messages, and to silence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from opennebula_core.config import Config, Location
from opennebula_core.contracts.vmm import GuestState
from opennebula_core.testing.cloud_in_lab import CONFIGURATION
from opennebula_core.testing.kvmlab import Lab
from opennebula_core.testing.kvmlab.blueprint import GUEST_IMAGE
from opennebula_core.testing.kvmlab.domain import GuestDomain, domain_xml
from opennebula_core.wire.monitoring import (
    HostCapacity,
    HostFailed,
    HostSystem,
    MonitorListener,
    MonitorMessage,
    VmFound,
    VmMetrics,
    VmStates,
)
from opennebula_core.wire.pool import DriverPool
from opennebula_core.wire.requests import MonitorRequest

pytestmark = pytest.mark.integration

M = TypeVar("M")

CONFIGURATION_XML = """<MONITOR_CONFIGURATION>
<NETWORK><ADDRESS>127.0.0.1</ADDRESS><PORT>{port}</PORT></NETWORK>
<PROBES_PERIOD><BEACON_HOST>1</BEACON_HOST><SYSTEM_HOST>5</SYSTEM_HOST><MONITOR_HOST>1</MONITOR_HOST>
<STATE_VM>1</STATE_VM><MONITOR_VM>1</MONITOR_VM><SYNC_STATE_VM>3</SYNC_STATE_VM></PROBES_PERIOD>
</MONITOR_CONFIGURATION>"""

LIMIT_S = 30.0


@dataclass
class Monitoring:
    """The driver's process and what it has sent so far."""

    pool: DriverPool
    listener: MonitorListener
    messages: list[MonitorMessage] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def received(self, message: MonitorMessage) -> None:
        self.messages.append(message)
        self.news.set()

    async def switch(self, action: str, host_id: int, name: str) -> None:
        configuration = CONFIGURATION_XML.format(port=self.listener.port)
        host = f"<HOST><ID>{host_id}</ID><NAME>{name}</NAME></HOST>"
        reply = await self.pool.request("im", "kvm", MonitorRequest(action, host_id, host, configuration))
        assert reply.success, reply.info

    async def next(self, kind: type[M], wanted: Callable[[M], bool] = lambda _: True) -> M:
        """Wait for the next message of a kind that is as wanted; earlier ones do not count."""
        self.messages.clear()
        async with asyncio.timeout(LIMIT_S):
            while True:
                for message in self.messages:
                    if isinstance(message, kind) and wanted(message):
                        return message
                self.news.clear()
                await self.news.wait()


@pytest.fixture
async def monitoring(front_end_network: Lab, tmp_path: Path) -> AsyncIterator[Monitoring]:
    location = Location.at(tmp_path)
    location.create()
    location.config_file.write_text(CONFIGURATION.format(ssh_config=front_end_network.front_end_ssh_config))
    received: list[Monitoring] = []
    listener = MonitorListener("127.0.0.1", 0, lambda message: received[0].received(message))
    await listener.start()
    pool = DriverPool(
        Config.load(location.root), on_message=lambda kind, name, message: received[0].received(message)
    )
    received.append(Monitoring(pool, listener))
    yield received[0]
    await pool.stop()
    await listener.stop()


def start_guest(lab: Lab, host: str, vm_id: int) -> None:
    folder = f"/var/lib/one/datastores/0/{vm_id}"
    lab.exec(host, ["mkdir", "-p", folder])
    disk = ["-f", "qcow2", "-F", "qcow2", "-b", GUEST_IMAGE, f"{folder}/disk.0"]
    lab.exec(host, ["qemu-img", "create", "-q", *disk])
    domain = GuestDomain(f"one-{vm_id}", f"{folder}/disk.0", lab.accelerator)
    create = ["virsh", "-q", "-c", "qemu:///system", "create", "/dev/stdin"]
    lab.exec(host, create, stdin=domain_xml(domain).encode())


async def test_a_host_reports_itself_and_its_guests_until_it_is_told_to_stop(
    monitoring: Monitoring, lab: Lab
) -> None:
    start_guest(lab, "host1", 7)
    await monitoring.switch("START_MONITOR", 3, "host1")
    system = next(message for message in monitoring.messages if isinstance(message, HostSystem))
    assert system.attributes.get("HOSTNAME") == "host1"
    assert int(system.attributes.get("TOTALMEMORY")) > 0

    capacity = await monitoring.next(HostCapacity)
    assert int(capacity.attributes.get("USEDCPU")) > 0
    states = await monitoring.next(VmStates)
    assert states.vms == (VmFound(7, "one-7", GuestState.RUNNING),)
    metrics = await monitoring.next(
        VmMetrics, lambda found: float(found.samples[0].attributes.get("CPU")) > 5
    )
    assert metrics.samples[0].vm_id == 7
    assert int(metrics.samples[0].attributes.get("MEMORY")) > 16 * 1024

    lab.virsh("host1", "destroy", "one-7")
    gone = await monitoring.next(
        VmStates, lambda states: VmFound(7, "one-7", GuestState.RUNNING) not in states.vms
    )
    assert gone.vms in ((), (VmFound(7, "one-7", GuestState.POWEROFF),))

    await monitoring.switch("STOP_MONITOR", 3, "host1")
    monitoring.messages.clear()
    # three periods of silence are what is asked for
    await asyncio.sleep(3)
    assert monitoring.messages == []


async def test_a_host_whose_ssh_hangs_fails_while_the_other_reports_and_comes_back(
    monitoring: Monitoring, lab: Lab
) -> None:
    for host_id, name in enumerate(lab.hosts):
        await monitoring.switch("START_MONITOR", host_id, name)
    lab.hang_ssh("host1")
    failed = await monitoring.next(HostFailed)
    assert failed.host_id == 0
    assert "host1" in failed.text
    assert (await monitoring.next(HostCapacity)).host_id == 1
    lab.resume_ssh("host1")
    assert (await monitoring.next(HostCapacity, lambda message: message.host_id == 0)).host_id == 0
