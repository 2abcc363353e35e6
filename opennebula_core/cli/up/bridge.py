"""The bridge of the first network: this machine's end of a private range."""

from __future__ import annotations

import json
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path
from typing import Final

from opennebula_core.cli.up.programs import MachineError, run
from opennebula_core.cli.up.record import Record
from opennebula_core.config.location import Location

LIMIT_S: Final = 10.0
RANGES: Final = ("172.31.77.0/24", "10.177.77.0/24", "192.168.177.0/24", "172.27.177.0/24", "10.99.177.0/24")
"""Private ranges that few use; the first that this machine has no part of is taken."""
MAX_BRIDGES: Final = 100


def free_range() -> IPv4Network:
    """Return a private range that overlaps with none that this machine knows.

    :raises MachineError: all are in use
    """
    taken = _known_ranges()
    for text in RANGES:
        candidate = IPv4Network(text)
        if not any(candidate.overlaps(other) for other in taken):
            return candidate
    raise MachineError(f"all of the private ranges {', '.join(RANGES)} are in use on this machine")


def _known_ranges() -> list[IPv4Network]:
    routes = json.loads(run(["ip", "-json", "-4", "route"], LIMIT_S) or "[]")
    found = [IPv4Network(route["dst"], strict=False) for route in routes if route["dst"][:1].isdigit()]
    links = json.loads(run(["ip", "-json", "-4", "address"], LIMIT_S) or "[]")
    for link in links:
        for address in link.get("addr_info", ()):
            found.append(IPv4Interface(f"{address['local']}/{address['prefixlen']}").network)
    return found


def free_name() -> str:
    """Return a name for a bridge that no interface here has."""
    for number in range(MAX_BRIDGES):
        name = f"onebr-up{number}"
        if not _exists(name):
            return name
    raise MachineError(f"there are {MAX_BRIDGES} bridges of clouds here; remove some")


def ensure(location: Location, record: Record, name: str, network: IPv4Network) -> None:
    """Have the bridge be there and up, with the range's first address.

    :raises MachineError: it cannot be made
    """
    if not _exists(name):
        run(["ip", "link", "add", "name", name, "type", "bridge"], LIMIT_S)
        if name not in record.bridges:
            record.bridges.append(name)
            record.save(location)
    address = f"{network[1]}/{network.prefixlen}"
    run(["ip", "address", "replace", address, "dev", name], LIMIT_S)
    run(["ip", "link", "set", "dev", name, "up"], LIMIT_S)


def remove(location: Location, record: Record) -> None:
    """Remove the bridges that were made.

    :raises MachineError: one does not go
    """
    for name in list(record.bridges):
        if _exists(name):
            run(["ip", "link", "del", "dev", name], LIMIT_S)
        record.bridges.remove(name)
        record.save(location)


def _exists(name: str) -> bool:
    return Path("/sys/class/net", name).exists()
