"""The lab's network: two switches in ``fe``, two cards and a bridge on every host.

All of it is made inside the lab's namespaces.
"""

from __future__ import annotations

from collections.abc import Iterable

from opennebula_core.testing.kvmlab.blueprint import FRONT_END, Blueprint
from opennebula_core.testing.kvmlab.command import attempt, run
from opennebula_core.testing.kvmlab.namespaces import NETWORK, first_process, inside


def make_switches(blueprint: Blueprint) -> None:
    """Make ``sw0`` and ``sw1``, with the front-end's addresses on them."""
    lines = ["link set lo up"]
    for card in (0, 1):
        lines += [
            f"link add sw{card} type bridge",
            f"addr add {blueprint.address(FRONT_END, card=card)}/24 dev sw{card}",
            f"link set sw{card} up",
        ]
    _batch(blueprint, FRONT_END, lines)


def plug_in(blueprint: Blueprint, host: str) -> None:
    """Give a host its cards: ``eth0`` in its bridge ``br0``, which has the address; ``eth1`` free."""
    pid = first_process(blueprint, host).pid
    lines = []
    for card in (0, 1):
        lines += [
            f"link add {port(blueprint, host, card)} type veth"
            f" peer name eth{card} address {hardware_address(blueprint, host, card)} netns {pid}",
            f"link set {port(blueprint, host, card)} master sw{card} up",
        ]
    _batch(blueprint, FRONT_END, lines)
    lines = [
        "link set lo up",
        # left alone, a bridge's address changes with the guests that are plugged into it
        f"link add br0 address {hardware_address(blueprint, host, 0)} type bridge",
        "link set eth0 master br0 up",
        "link set br0 up",
        f"addr add {blueprint.address(host)}/24 dev br0",
        f"addr add {blueprint.address(host, card=1)}/24 dev eth1",
        "link set eth1 up",
    ]
    _batch(blueprint, host, lines)


def unplug(blueprint: Blueprint, host: str) -> None:
    """Take the cables of a host that is gone out of the switches, so that it can be plugged in anew."""
    for card in (0, 1):
        name = port(blueprint, host, card)
        # they vanish by themselves when the kernel gets round to it
        attempt(inside(blueprint, FRONT_END, ["ip", "link", "del", name], spaces=NETWORK))


def set_link(blueprint: Blueprint, host: str, *, up: bool) -> None:
    """Pull a host's cables out of the switches, or put them in again."""
    word = "up" if up else "down"
    _batch(blueprint, FRONT_END, [f"link set {port(blueprint, host, card)} {word}" for card in (0, 1)])


def hardware_address(blueprint: Blueprint, host: str, card: int) -> str:
    """Return the address of a host's card: the same after a restart, or others would look for the old one."""
    return f"02:6b:76:6d:{card:02x}:{blueprint.number(host):02x}"


def port(blueprint: Blueprint, host: str, card: int) -> str:
    """Return the name of the switch's port that a host's card is plugged into."""
    return f"p{blueprint.number(host)}-{card}"


def _batch(blueprint: Blueprint, name: str, lines: Iterable[str]) -> None:
    argv = inside(blueprint, name, ["ip", "-batch", "-"], spaces=NETWORK)
    run(argv, stdin="".join(f"{line}\n" for line in lines).encode())
