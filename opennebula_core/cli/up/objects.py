"""The first objects of a cloud; what has the name already is used as it is."""

from __future__ import annotations

import shutil
import socket
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element

from opennebula_core.cli.kinds import HOST, IMAGE, NETWORK, TEMPLATE, VM, Kind
from opennebula_core.cli.states import full_name
from opennebula_core.cli.up.programs import MachineError
from opennebula_core.client import Client
from opennebula_core.model.states import HostState, ImageState
from opennebula_core.model.template import Template

IMAGE_NAME, NETWORK_NAME, TEMPLATE_NAME, VM_NAME = "guest", "private", "small", "first"
DATASTORE_ID: Final = 1
MONITOR_LIMIT_S: Final = 60.0
COPY_LIMIT_S: Final = 300.0
POLL_S: Final = 0.2
FIRST_ADDRESS: Final = 10
LAST_ADDRESS: Final = 250
DUMMY_ADDRESSES: Final = IPv4Network("10.0.0.0/24")
KVM, DUMMY = "kvm", "dummy"


@dataclass(frozen=True, slots=True)
class Wire:
    """What a network is on.

    :param addresses: of which the bridge has the first; None for a network of dummy guests
    """

    bridge: str
    addresses: IPv4Network | None


class Founder:
    """Makes the first objects through the API."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def find(self, kind: Kind, name: str) -> Element | None:
        """Return the oldest object of that name, None when there is none."""
        pool = kind.list(self._client).findall(kind.element)
        named = [item for item in pool if item.findtext("NAME") == name]
        return min(named, key=_id, default=None)

    def host(self, driver: str) -> str:
        """Register this machine, and return under which name; waits until it is monitored.

        :raises MachineError: it is not monitored in time
        """
        name = socket.gethostname()
        found = self.find(HOST, name)
        host_id = (
            _id(found)
            if found is not None
            else self._client.integer("one.host.allocate", name, driver, driver, -1)
        )
        item = self._wait(HOST, host_id, (HostState.MONITORED.name, HostState.ERROR.name), MONITOR_LIMIT_S)
        if _state(item, HostState) == HostState.ERROR.name:
            raise MachineError(f"host {name!r} is in ERROR: {item.findtext('TEMPLATE/ERROR')}")
        return name

    def driver_of_this_machine(self) -> str:
        """Return by which VMM driver this machine is registered; empty when it is not."""
        found = self.find(HOST, socket.gethostname())
        return found.findtext("VM_MAD", "") if found is not None else ""

    def image(self, path: Path | None) -> int:
        """Bring the guest's disk into the datastore, and return the image's id when it is there.

        :param path: None when the image is there already
        :raises MachineError: it cannot be copied, or somebody removed it just now
        """
        found = self.find(IMAGE, IMAGE_NAME)
        if found is not None:
            return self._ready(_id(found))
        if path is None:
            raise MachineError(f"image {IMAGE_NAME!r} is gone; repeat 'one up'")
        # Datastores take nothing from home folders, where the cache is.
        with tempfile.TemporaryDirectory(prefix="one-up-") as folder:
            file = shutil.copy(path, folder)
            described = _text(("NAME", IMAGE_NAME), ("PATH", file), ("FORMAT", "qcow2"))
            return self._ready(self._client.integer("one.image.allocate", described, DATASTORE_ID, False))

    def _ready(self, image_id: int) -> int:
        rests = (ImageState.READY.name, ImageState.USED.name, ImageState.ERROR.name, ImageState.DISABLED.name)
        item = self._wait(IMAGE, image_id, rests, COPY_LIMIT_S)
        if _state(item, ImageState) == ImageState.ERROR.name:
            raise MachineError(f"image {IMAGE_NAME!r} is in ERROR: {item.findtext('TEMPLATE/ERROR')}")
        return image_id

    def wire(self) -> Wire | None:
        """Return what the network is on, None when there is no network yet."""
        found = self.find(NETWORK, NETWORK_NAME)
        return None if found is None else Wire(found.findtext("BRIDGE", ""), _addresses_of(found))

    def network(self, wire: Wire) -> int:
        """Return the network's id; a new one is on the wire that is given."""
        found = self.find(NETWORK, NETWORK_NAME)
        if found is not None:
            return _id(found)
        addresses = wire.addresses or DUMMY_ADDRESSES
        size = str(LAST_ADDRESS - FIRST_ADDRESS + 1)
        described = _text(
            ("NAME", NETWORK_NAME),
            ("VN_MAD", "bridge" if wire.addresses else DUMMY),
            ("BRIDGE", wire.bridge),
            ("NETWORK_ADDRESS", str(addresses.network_address)),
            ("NETWORK_MASK", str(addresses.netmask)),
            ("AR", {"TYPE": "IP4", "IP": str(addresses[FIRST_ADDRESS]), "SIZE": size}),
        )
        return self._client.integer("one.vn.allocate", described, -1)

    def template(self, network_id: int, image_id: int | None) -> int:
        """Return the id of the template, made if there is none."""
        found = self.find(TEMPLATE, TEMPLATE_NAME)
        if found is not None:
            return _id(found)
        described = Template(
            (
                ("NAME", TEMPLATE_NAME),
                ("CPU", "0.5"),
                ("MEMORY", "128"),
                ("NIC", {"NETWORK_ID": str(network_id)}),
                ("CONTEXT", {"NETWORK": "YES", "SET_HOSTNAME": "$NAME"}),
            )
        )
        if image_id is not None:
            described.add("DISK", {"IMAGE_ID": str(image_id)})
            described.add("GRAPHICS", {"TYPE": "VNC", "LISTEN": "127.0.0.1"})
        return self._client.integer("one.template.allocate", described.to_text())

    def vm(self, template_id: int) -> tuple[int, bool]:
        """Return the first VM's id, and whether it was made just now."""
        found = self.find(VM, VM_NAME)
        if found is not None:
            return _id(found), False
        return self._client.integer("one.template.instantiate", template_id, VM_NAME, False, "", False), True

    def _wait(self, kind: Kind, object_id: int, states: Iterable[str], limit_s: float) -> Element:
        numbers: type[HostState] | type[ImageState] = HostState if kind is HOST else ImageState
        wanted = frozenset(states)
        deadline = time.monotonic() + limit_s
        while True:
            item = kind.info(self._client, object_id)
            if _state(item, numbers) in wanted:
                return item
            if time.monotonic() > deadline:
                state = _state(item, numbers)
                raise MachineError(
                    f"{kind.title} {object_id} is {state} after {limit_s:g} s; see the daemon's log"
                )
            time.sleep(POLL_S)


def _text(*items: tuple[str, str | dict[str, str]]) -> str:
    return Template(items).to_text()


def _id(item: Element) -> int:
    return int(item.findtext("ID", "-1"))


def _state(item: Element, numbers: type[HostState] | type[ImageState]) -> str:
    return full_name(numbers, item.findtext("STATE"))


def _addresses_of(item: Element) -> IPv4Network | None:
    """Return the addresses of a network that a bridge of this machine shall have, None for a dummy one."""
    address, mask = item.findtext("TEMPLATE/NETWORK_ADDRESS"), item.findtext("TEMPLATE/NETWORK_MASK")
    if item.findtext("VN_MAD") == DUMMY or not address or not mask:
        return None
    return IPv4Network(f"{address}/{mask}")
