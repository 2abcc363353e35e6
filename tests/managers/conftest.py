"""A real daemon with dummy drivers for the tests of a module."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
import pytest_asyncio

from opennebula_core.client import Client
from opennebula_core.dummy.behaviour import write_control
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.testing.cloud import Cloud as FrontEnd
from opennebula_core.testing.cloud import running_cloud
from opennebula_core.testing.ports import free_port

from .estate import Estate, running_estate

LIMIT_S = 30.0
CONFIGURATION = """[api]
port = {port}
[monitoring]
vm_state_period_s = 1
host_period_s = 1
vm_period_s = 1
"""
Place = tuple[VmState, LcmState]
RUNNING: Place = (VmState.ACTIVE, LcmState.RUNNING)


@dataclass
class Cloud:
    """A daemon, its client as oneadmin, and what VMs are made of."""

    location: Path
    port: int
    client: Client = field(init=False)
    host_ids: list[int] = field(init=False)
    datastore_id: int = field(init=False)
    image_id: int = field(init=False)
    network_id: int = field(init=False)

    def populate(self) -> None:
        """Make two hosts, an image and a network."""
        self.client = Client(f"http://127.0.0.1:{self.port}/RPC2", "oneadmin:secret")
        self.wait_until(self.answers, "the API")
        make = self.client.integer
        self.host_ids = [make("one.host.allocate", name, "dummy", "dummy", -1) for name in ("h1", "h2")]
        self.datastore_id = make("one.datastore.allocate", "NAME=imgs\nDS_MAD=dummy\nTM_MAD=dummy\n", -1)
        self.image_id = self.make_image("base")
        addresses = "NETWORK_MASK=255.255.255.0\nAR=[TYPE=IP4,IP=10.0.0.2,SIZE=50]\n"
        self.network_id = make("one.vn.allocate", f"NAME=net\nVN_MAD=dummy\nBRIDGE=br0\n{addresses}", -1)
        for host_id in self.host_ids:
            self.wait_until(lambda each=host_id: self.state("host", each) == "2", "the hosts")  # type: ignore[misc]

    def answers(self) -> bool:
        """Return whether something listens."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False

    def make_image(self, name: str, more: str = "") -> int:
        """Make an image and wait until it is READY."""
        text = f"NAME={name}\nPATH=/any/image\n{more}\n"
        image_id = self.client.integer("one.image.allocate", text, self.datastore_id)
        self.wait_until(lambda: self.state("image", image_id) == "1", f"image {image_id}")
        return image_id

    def vm(self, more: str = "", *, hold: bool = False) -> int:
        """Make a VM."""
        text = (
            f"NAME=web\nCPU=0.5\nMEMORY=64\nDISK=[IMAGE_ID={self.image_id}]\nNIC=[NETWORK_ID={self.network_id}]\n"
            f"CONTEXT=[NETWORK=YES]\n{more}\n"
        )
        return self.client.integer("one.vm.allocate", text, hold)

    def running_vm(self, more: str = "", host: int = 0) -> int:
        """Make a VM and bring it to RUNNING."""
        vm_id = self.vm(more)
        self.deploy(vm_id, host)
        self.settle(vm_id, RUNNING)
        return vm_id

    def deploy(self, vm_id: int, host: int = 0) -> None:
        """Bring a VM to a host."""
        self.client.call("one.vm.deploy", vm_id, self.host_ids[host], False, -1, "")

    def act(self, action: str, vm_id: int) -> None:
        """Carry out an action on a VM."""
        self.client.call("one.vm.action", action, vm_id)

    def document(self, kind: str, object_id: int) -> Element:
        """Return an object's document."""
        return self.client.element(f"one.{kind}.info", object_id)

    def state(self, kind: str, object_id: int) -> str:
        """Return an object's STATE."""
        return self.document(kind, object_id).findtext("STATE", "")

    def place(self, vm_id: int) -> Place:
        """Return a VM's states."""
        vm = self.document("vm", vm_id)
        return VmState(int(vm.findtext("STATE", ""))), LcmState(int(vm.findtext("LCM_STATE", "")))

    def settle(self, vm_id: int, place: Place) -> None:
        """Wait until a VM is in a state."""
        self.wait_until(lambda: self.place(vm_id) == place, f"VM {vm_id} in {place}")

    def behave(self, rules: Mapping[str, Mapping[str, object]]) -> None:
        """Tell the dummy drivers how to behave from now on."""
        write_control(self.location, rules)

    def usage(self, host: int = 0) -> list[str]:
        """Return what VMs take of a host: their number, CPU, memory."""
        share = self.document("host", self.host_ids[host]).find("HOST_SHARE")
        assert share is not None
        return [share.findtext(name, "") for name in ("RUNNING_VMS", "CPU_USAGE", "MEM_USAGE")]

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until a condition holds."""
        deadline = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < deadline, f"{what}: not in time"
            time.sleep(0.02)


@pytest.fixture(scope="module")
def module_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Start a daemon for the module."""
    location = tmp_path_factory.mktemp("one")
    port = free_port()
    (location / "etc").mkdir()
    (location / "etc/oned.toml").write_text(CONFIGURATION.format(port=port))
    (location / "one_auth").write_text("oneadmin:secret\n")
    program = str(Path(sys.executable).parent / "oned")
    environment = {**os.environ, "ONE_LOCATION": str(location)}
    with (location / "oned.log").open("wb") as log:
        process = subprocess.Popen([program], env=environment, stderr=log)
    cloud = Cloud(location, port)
    try:
        cloud.populate()
        yield cloud
    finally:
        cloud.client.close()
        process.terminate()
        process.wait(30)


@pytest.fixture
def cloud(module_cloud: Cloud) -> Iterator[Cloud]:
    """Return the module's cloud with drivers that behave."""
    module_cloud.behave({})
    yield module_cloud
    module_cloud.behave({})


@pytest.fixture
async def front_end(tmp_path: Path) -> AsyncIterator[FrontEnd]:
    """Run a front-end of the test's own in this process, with dummy drivers and no hosts."""
    async with running_cloud(tmp_path) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def module_estate(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Estate]:
    """Run a cloud in this process for the module."""
    async with running_estate(tmp_path_factory.mktemp("one")) as running:
        yield running


@pytest.fixture
def estate(module_estate: Estate) -> Iterator[Estate]:
    """Return the module's cloud with drivers that behave."""
    module_estate.cloud.behave()
    yield module_estate
    module_estate.cloud.behave()
