from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, ClassVar
from xml.etree.ElementTree import Element

import pytest

from opennebula_core.config import Location
from opennebula_core.contracts.driver import DriverContext
from opennebula_core.contracts.kinds import kind_of
from opennebula_core.contracts.tm import Location as Place
from opennebula_core.contracts.tm import TmAction, TmDriver, Transfer
from opennebula_core.contracts.vmm import Guest, GuestState, VmmAction, VmmDriver
from opennebula_core.contracts.vnm import VnmDriver
from opennebula_core.errors import DriverError, DriverNotFoundError
from opennebula_core.model.template import Vector
from opennebula_core.wire.services.dispatcher import Dispatcher
from opennebula_core.wire.services.drivers import DriverSet, ProcessSettings
from opennebula_core.wire.services.service import Service

STEPS: list[str] = []
"""What the recording drivers below were asked for, in order."""

FAILING: set[str] = set()
"""The steps that shall fail."""


PLUGGED: set[str] = set()
"""The disks that the guest has."""


STATES: dict[str, GuestState] = {}
"""What a look at the guest on a host says; elsewhere it is suspended."""


async def step(name: str) -> None:
    STEPS.append(name)
    await asyncio.sleep(0)
    if name in FAILING or name.split()[0] in FAILING:
        raise DriverError(f"{name} was told to fail")


class RecordingVmm(VmmDriver):
    optional_actions: ClassVar[frozenset[VmmAction]] = frozenset(VmmAction) - {VmmAction.DISKSNAPSHOTCREATE}
    guests: ClassVar[list[Guest]] = []

    async def deploy(self, guest: Guest, description: str) -> str:
        self.guests.append(guest)
        await step(f"deploy {guest.host} {description}")
        return f"one-{guest.vm_id}"

    async def shutdown(self, guest: Guest) -> None:
        await step(f"shutdown {guest.host}")

    async def cancel(self, guest: Guest) -> None:
        await step(f"cancel {guest.host} {guest.deploy_id}")

    async def poll(self, guest: Guest) -> GuestState:
        await step("poll")
        return STATES.get(guest.host, GuestState.SUSPENDED)

    async def save(self, guest: Guest, checkpoint: str) -> None:
        await step(f"save {checkpoint}")

    async def restore(self, guest: Guest, checkpoint: str) -> str:
        await step(f"restore {checkpoint}")
        return f"one-{guest.vm_id}"

    async def migrate(self, guest: Guest, destination: str) -> None:
        await step(f"migrate {guest.host} {destination}")

    def reboot(self, guest: Guest) -> None:
        STEPS.append("reboot")

    async def attach_disk(self, guest: Guest, disk: Vector, path: str) -> None:
        await step(f"attach_disk {disk['DISK_ID']} {path}")

    async def has_disk(self, guest: Guest, disk: Vector) -> bool:
        return disk["DISK_ID"] in PLUGGED

    async def reconfigure(self, guest: Guest, context: Vector, path: str) -> None:
        await step(f"reconfigure {path}")

    async def detach_disk(self, guest: Guest, disk: Vector) -> None:
        await step(f"detach_disk {disk['DISK_ID']}")

    async def resize(self, guest: Guest) -> None:
        await step(f"resize {guest.template.get('MEMORY')}")

    async def resize_disk(self, guest: Guest, disk: Vector, size_mib: int) -> None:
        await step(f"resize_disk {disk['DISK_ID']} {size_mib}")

    async def snapshot_create(self, guest: Guest, snapshot: Vector) -> str:
        await step(f"snapshot_create {snapshot['SNAPSHOT_ID']}")
        return f"snap-{snapshot['SNAPSHOT_ID']}"

    async def snapshot_revert(self, guest: Guest, hypervisor_id: str) -> None:
        await step(f"snapshot_revert {hypervisor_id}")

    async def snapshot_delete(self, guest: Guest, hypervisor_id: str) -> None:
        await step(f"snapshot_delete {hypervisor_id}")

    async def attach_nic(self, guest: Guest, nic: Vector) -> None:
        await step(f"attach_nic {nic['NIC_ID']}")

    async def detach_nic(self, guest: Guest, nic: Vector) -> None:
        await step(f"detach_nic {nic['NIC_ID']}")


class RecordingVnm(VnmDriver):
    async def pre(self, guest: Guest, nics: Sequence[Vector]) -> None:
        await self._step("pre", guest, nics)

    async def post(self, guest: Guest, nics: Sequence[Vector]) -> None:
        await self._step("post", guest, nics)

    async def update_sg(self, guest: Guest, nics: Sequence[Vector]) -> None:
        await self._step("update_sg", guest, nics)

    async def clean(self, guest: Guest, nics: Sequence[Vector]) -> None:
        await self._step("clean", guest, nics)

    async def _step(self, name: str, guest: Guest, nics: Sequence[Vector]) -> None:
        ids = ",".join(nic["NIC_ID"] for nic in nics)
        await step(f"{name} {guest.host} {self.driver_context.name}:{ids}")


class RecordingTm(TmDriver):
    optional_actions: ClassVar[frozenset[TmAction]] = frozenset({TmAction.CPDS})
    transfers: ClassVar[list[Transfer]] = []

    async def clone(self, source: Place, destination: Place, transfer: Transfer) -> None:
        self.transfers.append(transfer)
        await step(f"clone {source} {destination}")

    async def link(self, source: Place, destination: Place, transfer: Transfer) -> None:
        await step(f"link {source} {destination}")

    async def make_image(self, size_mib: int, format: str, destination: Place, transfer: Transfer) -> None:
        await step(f"make_image {size_mib} {format} {destination}")

    async def context(self, files: Sequence[tuple[str, str]], destination: Place, transfer: Transfer) -> None:
        await step(f"context {files} {destination}")

    async def move(self, source: Place, destination: Place, transfer: Transfer) -> None:
        await step(f"move {source} {destination}")

    async def move_back(self, disk: Place, image: Place, transfer: Transfer) -> None:
        await step(f"move_back {disk} {image}")

    async def delete(self, target: Place, transfer: Transfer) -> None:
        await step(f"delete {target}")

    async def copy_back(self, disk: Place, image: Place, snapshot_id: int, transfer: Transfer) -> None:
        await step(f"copy_back {disk} {image} {snapshot_id}")

    async def premigrate(
        self, source_host: str, destination_host: str, directory: str, vm: Element, transfer: Transfer
    ) -> None:
        await step(f"premigrate {source_host} {destination_host} {directory} {vm.findtext('ID')}")

    async def postmigrate(
        self, source_host: str, destination_host: str, directory: str, vm: Element, transfer: Transfer
    ) -> None:
        await step("postmigrate")

    async def failmigrate(
        self, source_host: str, destination_host: str, directory: str, vm: Element, transfer: Transfer
    ) -> None:
        await step("failmigrate")


CLASSES: dict[tuple[str, str], type] = {
    ("vmm", "rec"): RecordingVmm,
    ("tm", "rec"): RecordingTm,
    ("vnm", "rec"): RecordingVnm,
    ("vnm", "other"): RecordingVnm,
}


@pytest.fixture
def classes() -> dict[tuple[str, str], type]:
    """The drivers that are installed, by kind and name; a test may add some."""
    return dict(CLASSES)


@pytest.fixture
def load(classes: dict[tuple[str, str], type]) -> Callable[[str, str], type]:
    def load(group: str, name: str) -> type:
        if (found := classes.get((kind_of(group), name))) is None:
            raise DriverNotFoundError(group, name, [each for kind, each in classes if kind == kind_of(group)])
        return found

    return load


@pytest.fixture
def steps() -> list[str]:
    """What the recording drivers were asked for."""
    STEPS.clear()
    RecordingTm.transfers.clear()
    RecordingVmm.guests.clear()
    return STEPS


@pytest.fixture
def failing() -> Iterator[set[str]]:
    """Names of steps that shall fail."""
    FAILING.clear()
    yield FAILING
    FAILING.clear()


@pytest.fixture
def plugged() -> Iterator[set[str]]:
    """Ids of the disks that the guest has."""
    PLUGGED.clear()
    yield PLUGGED
    PLUGGED.clear()


@pytest.fixture
def states() -> Iterator[dict[str, GuestState]]:
    """State of the guest by host."""
    STATES.clear()
    yield STATES
    STATES.clear()


@pytest.fixture
def recording_tm() -> type[RecordingTm]:
    return RecordingTm


@pytest.fixture
def recording_vmm() -> type[RecordingVmm]:
    return RecordingVmm


class Driven:
    """A service under a dispatcher, asked by lines."""

    def __init__(self, service: Service) -> None:
        self.lines: list[str] = []
        self.service = service
        self.dispatcher = Dispatcher(service, self.lines.append)

    async def ask(self, line: str) -> str:
        """Return the answer to a request."""
        before = len(self.lines)
        self.dispatcher.feed([line])
        words = line.split()
        action, id_ = words[0].upper(), words[2] if words[1] == "-" else words[1]
        return await self.line(f"{action} ", f" {id_} ", start=before)

    async def line(self, beginning: str, part: str = "", start: int = 0) -> str:
        """Wait for a line."""
        deadline = time.monotonic() + 10
        while True:
            for line in self.lines[start:]:
                if line.startswith(beginning) and part in line:
                    return line
            assert time.monotonic() < deadline, self.lines
            await asyncio.sleep(0.005)

    @property
    def logs(self) -> list[str]:
        return [line.split(" ", 3)[3] for line in self.lines if line.startswith("LOG ")]


Serve = Callable[..., Driven]


@pytest.fixture
async def serve(location: Location, load: Callable[[str, str], type]) -> AsyncIterator[Serve]:
    """Run a service in this process."""
    made: list[Driven] = []

    def start(service_class: type[Service], name: str, **options: Any) -> Driven:
        drivers = DriverSet(location, ProcessSettings(**options), load=load)
        service = service_class(name, drivers)
        service.load()
        made.append(Driven(service))
        return made[-1]

    yield start
    for driven in made:
        driven.dispatcher.finished.set()
        await driven.dispatcher.finish()
        await driven.service.close()
        await driven.service.drivers.close()


@pytest.fixture
def context(location: Location) -> DriverContext:
    return DriverContext("rec", location.root)


@pytest.fixture
def encoded() -> Callable[[str], str]:
    return lambda text: base64.b64encode(text.encode()).decode()
