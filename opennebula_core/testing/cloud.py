"""A whole front-end in one process, for tests: the real store and API, dummy drivers, a clock that one moves.

::

    async def test_my_plugin_hears_of_it(cloud: Cloud) -> None:
        host_id = await cloud.add_host("h1")
        vm_id = await cloud.add_vm()
        await cloud.call("one.vm.deploy", vm_id, host_id)
        await cloud.settle(vm_id, LcmState.RUNNING)

The drivers are processes of their own, as everywhere; :meth:`Cloud.behave` delays and fails what they do.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element

from opennebula_core.api.reading import LongAnswers
from opennebula_core.client.answers import read_answer
from opennebula_core.client.values import write_call
from opennebula_core.config import Location
from opennebula_core.daemon import Daemon, build
from opennebula_core.db.transaction import Snapshot
from opennebula_core.dummy.behaviour import write_control
from opennebula_core.model.objects import Host, Image, Network, Vm
from opennebula_core.model.states import HostState, ImageState, LcmState, VmState
from opennebula_core.model.transitions import Place, state_name
from opennebula_core.testing.ports import free_port
from opennebula_core.xml import element

ADMIN: Final = "oneadmin:secret"
LIMIT_S: Final = 30.0
LOOK_AGAIN_S: Final = 0.05
"""What no commit tells of, such as a file of a driver, is looked at this often."""

SETTINGS: Final = """[api]
port = {port}
[monitoring]
host_period_s = 1
vm_period_s = 1
vm_state_period_s = 1
"""
Condition = Callable[[], bool | Awaitable[bool]]


def place_of(state: VmState | LcmState) -> Place:
    """Return both states of a VM of which one says all; as numbers the two kinds are easily confused."""
    return (state, LcmState.LCM_INIT) if isinstance(state, VmState) else (VmState.ACTIVE, state)


class Clock:
    """The time that changes are stamped by; it stands still until it is moved."""

    def __init__(self) -> None:
        self._now_s = float(int(time.time()))

    def __call__(self) -> float:
        """Return the time in epoch seconds."""
        return self._now_s

    def advance(self, seconds: float) -> None:
        """Move the clock on."""
        self._now_s += seconds


class Cloud:
    """A front-end that runs, and short ways to what tests do with it; requests are made in this process.

    :ivar datastore_id: an image datastore with dummy drivers
    :ivar clock: stamps histories, accounting and the like; nothing waits by it
    """

    def __init__(self, daemon: Daemon, clock: Clock) -> None:
        self.daemon = daemon
        self.clock = clock
        self.location: Path = daemon.location.root
        self.datastore_id = -1
        self._places = LongAnswers()
        self._changed = asyncio.Event()
        daemon.store.on_commit(lambda _: self._changed.set())

    @property
    def endpoint(self) -> str:
        """The address for clients that are to come over HTTP."""
        return self.daemon.config.endpoint

    # -- requests --------------------------------------------------------------------------------

    async def call(self, method: str, *params: object, session: str = ADMIN) -> object:
        """Call the API and return the result.

        :param session: ``user:password``
        :raises RequestError: the call was refused; the subclass says by which error code
        """
        body = write_call(method, (session, *params))
        with self._places.place() as place:
            chunks = await self.daemon.dispatcher.answer(body, "127.0.0.1", place)
        return read_answer(method, b"".join(chunks))

    async def new(self, method: str, *params: object, session: str = ADMIN) -> int:
        """Call a method that makes an object, and return its id."""
        made = await self.call(method, *params, session=session)
        assert isinstance(made, int), made
        return made

    async def document(self, method: str, *params: object, session: str = ADMIN) -> Element:
        """Call a method that answers with a document, and return its root."""
        return element(str(await self.call(method, *params, session=session)))

    async def act(self, action: str, vm_id: int, session: str = ADMIN) -> None:
        """Carry out an action on a VM."""
        await self.call("one.vm.action", action, vm_id, session=session)

    # -- what there is ---------------------------------------------------------------------------

    def vm(self, vm_id: int) -> Vm:
        """Return a VM as it is now."""
        return self.daemon.store.read(lambda tx: tx.vms.get(vm_id))

    def host(self, host_id: int) -> Host:
        """Return a host as it is now."""
        return self.daemon.store.read(lambda tx: tx.hosts.get(host_id))

    def image(self, image_id: int) -> Image:
        """Return an image as it is now."""
        return self.daemon.store.read(lambda tx: tx.images.get(image_id))

    def network(self, network_id: int) -> Network:
        """Return a network as it is now, with its leases."""

        def read(tx: Snapshot) -> Network:
            network = tx.networks.get(network_id)
            tx.networks.load_leases(network)
            return network

        return self.daemon.store.read(read)

    def vm_log(self, vm_id: int) -> str:
        """Return a VM's log, empty when there is none."""
        self.daemon.core.vm_log.flush()
        path = self.daemon.location.vm_log(vm_id)
        return path.read_text(encoding="utf-8") if path.exists() else ""

    # -- making objects --------------------------------------------------------------------------

    async def add_host(self, name: str, template: str = "", *, cluster_id: int = -1) -> int:
        """Add a host with dummy drivers, and wait until it is monitored."""
        host_id = await self.new("one.host.allocate", name, "dummy", "dummy", cluster_id)
        if template:
            await self.call("one.host.update", host_id, template, 1)
        await self.until(lambda: self.host(host_id).state is HostState.MONITORED, f"host {name}")
        return host_id

    async def add_image(self, name: str, template: str = "SIZE=64") -> int:
        """Add an image, and wait until it is READY."""
        text = f'NAME="{name}"\nPATH=/any/image\n{template}\n'
        image_id = await self.new("one.image.allocate", text, self.datastore_id)
        await self.until(lambda: self.image(image_id).state is ImageState.READY, f"image {name}")
        return image_id

    async def add_network(self, name: str, *, first_ip: str = "10.0.0.1", size: int = 50) -> int:
        """Add a network with one address range."""
        text = f'NAME="{name}"\nVN_MAD=dummy\nBRIDGE=br0\nAR=[TYPE=IP4,IP={first_ip},SIZE={size}]\n'
        return await self.new("one.vn.allocate", text, -1)

    async def add_vm(self, template: str = "", *, hold: bool = True, session: str = ADMIN) -> int:
        """Make a VM, held back from any scheduler."""
        text = f"CPU=0.5\nMEMORY=64\n{template}\n"
        return await self.new("one.vm.allocate", text, hold, session=session)

    async def run_vm(self, host_id: int, template: str = "") -> int:
        """Make a VM, and bring it to RUNNING on a host."""
        vm_id = await self.add_vm(template)
        await self.call("one.vm.deploy", vm_id, host_id)
        await self.settle(vm_id, LcmState.RUNNING)
        return vm_id

    # -- time and chance -------------------------------------------------------------------------

    def behave(self, rules: Mapping[str, Mapping[str, object]] | None = None) -> None:
        """Tell the dummy drivers how to behave from now on, see :mod:`opennebula_core.dummy.behaviour`."""
        write_control(self.location, rules or {})

    async def settle(self, vm_id: int, *states: VmState | LcmState) -> None:
        """Wait until a VM is in one of the states, by whichever of its two."""
        places = [place_of(state) for state in states]

        def is_there() -> bool:
            vm = self.vm(vm_id)
            return (vm.state, vm.lcm_state) in places

        wanted = " or ".join(state_name(*place) for place in places)
        await self.until(is_there, lambda: f"VM {vm_id} in {wanted}: {self._story(vm_id)}")

    def _story(self, vm_id: int) -> str:
        vm = self.vm(vm_id)
        return f"it is in {state_name(vm.state, vm.lcm_state)}\n{self.vm_log(vm_id)}"

    async def until(
        self, condition: Condition, what: str | Callable[[], str], *, limit_s: float = LIMIT_S
    ) -> None:
        """Wait until a condition holds, which is looked at after each commit.

        :param what: what is waited for, or what says it, for the message
        :raises AssertionError: it does not come true in time
        """
        deadline = time.monotonic() + limit_s
        while True:
            self._changed.clear()
            holds = condition()
            if await holds if inspect.isawaitable(holds) else holds:
                return
            assert time.monotonic() < deadline, f"not in time: {what if isinstance(what, str) else what()}"
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), LOOK_AGAIN_S)


@asynccontextmanager
async def running_cloud(
    folder: Path, *, settings: str = "", plugins: Iterable[tuple[str, object]] = ()
) -> AsyncIterator[Cloud]:
    """Run a front-end until the block ends.

    :param folder: becomes its ONE_LOCATION; a cloud that ran there before goes on
    :param settings: text that is added to ``oned.toml``
    :param plugins: name and object of plugins that are not installed
    """
    location = Location.at(folder)
    location.create()
    location.auth_file.touch(mode=0o600)
    location.auth_file.write_text(f"{ADMIN}\n")
    location.config_file.write_text(SETTINGS.format(port=free_port()) + settings)
    clock = Clock()
    daemon = await build(location, synchronous="OFF", clock=clock, plugins=plugins)
    cloud = Cloud(daemon, clock)
    try:
        await daemon.start()
        cloud.datastore_id = await _image_datastore(cloud)
        yield cloud
    finally:
        await daemon.stop()


async def _image_datastore(cloud: Cloud) -> int:
    name = "dummy images"
    found = cloud.daemon.store.read(lambda tx: tx.datastores.find_by_name(name))
    if found is not None:
        return found.id
    return await cloud.new("one.datastore.allocate", f'NAME="{name}"\nDS_MAD=dummy\nTM_MAD=dummy\n', -1)
