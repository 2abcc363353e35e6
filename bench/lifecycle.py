"""VMs brought to RUNNING and to their end, with dummy drivers: disk, NIC and context each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from bench.api import fill, vm_count
from bench.figures import Figure
from bench.front_end import SESSION, FrontEnd
from bench.load import drive
from bench.reports import measure_reports
from opennebula_core.client.values import write_call
from opennebula_core.errors import ClientError
from opennebula_core.model.states import HostState, ImageState, LcmState, VmState

HOSTS: Final = 20
CLIENTS: Final = 16
LOOK_EVERY_S: Final = 0.05
WAIT_TIMEOUT_S: Final = 300.0
SYSTEM_DATASTORE: Final = 'NAME = "bench-system"\nTYPE = "SYSTEM_DS"\nTM_MAD = "dummy"\n'
IMAGE_DATASTORE: Final = 'NAME = "bench-images"\nDS_MAD = "dummy"\nTM_MAD = "dummy"\n'
IMAGE: Final = 'NAME = "bench-image"\nPATH = "/bench.img"\nTYPE = "OS"\n'
NETWORK: Final = """
NAME = "bench-network"
VN_MAD = "dummy"
BRIDGE = "br0"
AR = [ TYPE = "IP4", IP = "10.0.0.1", SIZE = "60000" ]
"""
TEMPLATE: Final = """
CPU = "0.01"
MEMORY = "16"
DISK = [ IMAGE_ID = "{image_id}" ]
NIC = [ NETWORK_ID = "{network_id}" ]
CONTEXT = [ NETWORK = "YES", GREETING = "hello" ]
GRAPHICS = [ TYPE = "VNC", LISTEN = "127.0.0.1" ]
"""


class Lifecycle:
    """A cloud with dummy hosts, and the VMs of the benchmark on it."""

    def __init__(self, front_end: FrontEnd, scale: float) -> None:
        self._front_end = front_end
        self._client = front_end.client
        self._ids: range = range(0)
        fill(front_end, max(int(10_000 * scale), 100))

    def prepare(self) -> None:
        """Make hosts, datastores, image and network, and wait until they are ready."""
        client = self._client
        self._hosts = [
            client.integer("one.host.allocate", f"deploy-{number}", "dummy", "dummy", -1)
            for number in range(HOSTS)
        ]
        self._datastore = client.integer("one.datastore.allocate", SYSTEM_DATASTORE, -1)
        images = client.integer("one.datastore.allocate", IMAGE_DATASTORE, -1)
        image_id = client.integer("one.image.allocate", IMAGE, images)
        network_id = client.integer("one.vn.allocate", NETWORK, -1)
        self._wait("the image", lambda: self._state("one.image.info", image_id) == ImageState.READY)
        for host_id in self._hosts:
            self._wait("a host", partial(self._is_monitored, host_id))
        self._template = TEMPLATE.format(image_id=image_id, network_id=network_id)

    def allocate(self, count: int) -> None:
        """Allocate the VMs that the next figures are about."""
        first = vm_count(self._front_end)
        self._drive(write_call("one.vm.allocate", (SESSION, self._template)) for _ in range(count))
        self._ids = range(first, first + count)

    def deploy_s(self) -> float:
        """Deploy all VMs; return the time until the last one runs."""
        started = time.perf_counter()
        self._drive(
            write_call(
                "one.vm.deploy",
                (SESSION, vm_id, self._hosts[vm_id % HOSTS], False, self._datastore, ""),
            )
            for vm_id in self._ids
        )
        self._wait(
            "the VMs to run", lambda: self._in_state(VmState.ACTIVE, LcmState.RUNNING) == len(self._ids)
        )
        return time.perf_counter() - started

    def terminate_s(self) -> float:
        """Terminate all VMs; return the time until the last one is gone."""
        started = time.perf_counter()
        self._drive(write_call("one.vm.action", (SESSION, "terminate-hard", vm_id)) for vm_id in self._ids)
        self._wait(
            "the VMs to end", lambda: self._in_state(VmState.DONE, LcmState.LCM_INIT) == len(self._ids)
        )
        return time.perf_counter() - started

    def guests(self) -> dict[int, list[int]]:
        """Return which of the VMs are on which host."""
        found: dict[int, list[int]] = {}
        for vm_id in self._ids:
            found.setdefault(self._hosts[vm_id % HOSTS], []).append(vm_id)
        return found

    def _drive(self, calls: Iterator[bytes]) -> None:
        drive(self._front_end.port, calls, CLIENTS)

    def _state(self, method: str, object_id: int) -> int:
        return int(self._client.element(method, object_id).findtext("STATE", "-1"))

    def _is_monitored(self, host_id: int) -> bool:
        return self._state("one.host.info", host_id) == HostState.MONITORED

    def _in_state(self, state: VmState, lcm_state: LcmState) -> int:
        """Return how many of the VMs are in a state."""
        document = self._client.text("one.vmpool.info", -2, self._ids.start, self._ids.stop - 1, int(state))
        return document.count(f"<LCM_STATE>{int(lcm_state)}</LCM_STATE>")

    def _wait(self, what: str, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_TIMEOUT_S
        while not is_so():
            if time.monotonic() > deadline:
                raise ClientError(f"waited {WAIT_TIMEOUT_S:.0f} s for {what}; see the log of oned")
            time.sleep(LOOK_EVERY_S)


def measure_lifecycle(front_end: FrontEnd, scale: float) -> Iterator[Figure]:
    """Deploy VMs and terminate them, with 10,000 others there."""
    cloud = Lifecycle(front_end, scale)
    cloud.prepare()
    cloud.allocate(HOSTS)  # the drivers start with the first VMs
    cloud.deploy_s()
    cloud.terminate_s()
    count = max(int(500 * scale), 10)
    cloud.allocate(count)
    before_s = front_end.cpu_s()
    yield Figure("deploy", count / cloud.deploy_s())
    yield Figure("deploy-cpu", (front_end.cpu_s() - before_s) / count * 1000)
    yield from measure_reports(front_end, cloud.guests(), scale)
    yield Figure("terminate", count / cloud.terminate_s())
