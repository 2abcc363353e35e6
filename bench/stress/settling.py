"""Bringing everything to its end, and looking whether all that is left agrees."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from typing import Final
from xml.etree.ElementTree import Element

from bench.stress.visitor import LOCKABLE, Visitor
from bench.stress.world import LOOK_EVERY_S, World
from opennebula_core.client import Client
from opennebula_core.db.maintenance import check
from opennebula_core.errors import ClientError, RequestError
from opennebula_core.model.states import ImageState, LcmState

SETTLE_LIMIT_S: Final = 120.0
DELETE: Final = 3
SHARE: Final = ("RUNNING_VMS", "CPU_USAGE", "MEM_USAGE", "DATASTORES/DISK_USAGE")
_MOVING: Final = {ImageState.LOCKED, ImageState.CLONE, ImageState.DELETE, ImageState.LOCKED_USED}
RESTING_IMAGES: Final = frozenset(str(int(state)) for state in ImageState if state not in _MOVING)
REMOVED: Final = tuple(str(int(state)) for state in (LcmState.CLEANUP_DELETE, LcmState.CLEANUP_RESUBMIT))
STORY_LINES: Final = 12
TOLD_FAILURE: Final = "the dummy driver was told to fail"


def settle(world: World) -> None:
    """End all VMs, give all reservations back, and wait until no image is being made.

    :raises ClientError: that takes too long
    """
    client = world.front_end.client
    world.behave(0, 0)
    _unlock(world, client)
    deadline = time.monotonic() + SETTLE_LIMIT_S
    while living := list(client.element("one.vmpool.info", -2, -1, -1, -1)):
        for vm in living:
            _end(client, vm)
        _look_at(deadline, f"{len(living)} VMs do not end", living)
    for network_id in world.reservation_ids:
        with suppress(RequestError):
            client.call("one.vn.delete", network_id)
    while moving := [
        image
        for image in client.element("one.imagepool.info", -2, -1, -1)
        if image.findtext("STATE") not in RESTING_IMAGES
    ]:
        _look_at(deadline, f"{len(moving)} images do not rest", moving)


def _look_at(deadline: float, what: str, objects: list[Element]) -> None:
    if time.monotonic() > deadline:
        states = [
            (item.findtext("ID"), item.findtext("STATE"), item.findtext("LCM_STATE")) for item in objects
        ]
        raise ClientError(f"settle: {what}: {states[:10]}; see the daemon's log")
    time.sleep(LOOK_EVERY_S)


def _unlock(world: World, client: Client) -> None:
    held = [(prefix, object_id) for prefix in LOCKABLE for object_id in world.shared[prefix]]
    held += [("one.vm", vm_id) for vm_id in world.vm_ids] + [
        ("one.image", image) for image in world.image_ids
    ]
    for prefix, object_id in held:
        with suppress(RequestError):
            client.call(f"{prefix}.unlock", object_id)


def _end(client: Client, vm: Element) -> None:
    vm_id = int(vm.findtext("ID", "-1"))
    with suppress(RequestError):  # it is on its way; the next look finds it where it goes
        if LcmState(int(vm.findtext("LCM_STATE", "0"))).is_failure or _is_held_up(vm):
            client.call("one.vm.recover", vm_id, DELETE)
        else:
            client.call("one.vm.action", "terminate-hard", vm_id)


def _is_held_up(vm: Element) -> bool:
    """Whether the VM is being removed and waits for recover, as its guest could not be ended."""
    is_removed = vm.findtext("LCM_STATE") in REMOVED
    return is_removed and vm.find("USER_TEMPLATE/ERROR") is not None


def complaints(world: World, visitors: Iterable[Visitor]) -> list[str]:
    """Return everything that is not as it has to be after :func:`settle`."""
    visitors = list(visitors)
    return [
        *(wrong for visitor in visitors for wrong in visitor.wrongs),
        *_lost_updates(world, visitors),
        *_given_twice(visitors),
        *(f"database: {problem.text}" for problem in check(world.front_end.location.database_file)),
        *_still_in_use(world),
        *_plans_under_way(world),
        *_left_by_drivers(world),
        *_log_lines(world),
    ]


def _lost_updates(world: World, visitors: Iterable[Visitor]) -> Iterator[str]:
    kept: dict[tuple[str, int], set[str]] = {}
    for visitor in visitors:
        for prefix, object_id, name in visitor.kept:
            kept.setdefault((prefix, object_id), set()).add(name)
    for (prefix, object_id), names in kept.items():
        document = world.front_end.client.element(f"{prefix}.info", object_id)
        root = document.find("USER_TEMPLATE" if prefix == "one.vm" else "TEMPLATE")
        there = {item.tag for item in root} if root is not None else set()
        lost = sorted(names - there)
        if lost:
            yield f"{prefix} {object_id}: {len(lost)} of {len(names)} updates are lost: {lost[:5]}"


def _given_twice(visitors: Iterable[Visitor]) -> Iterator[str]:
    seen: set[tuple[str, int]] = set()
    for visitor in visitors:
        for method, made in visitor.made:
            kind = "VM" if method in ("one.vm.allocate", "one.template.instantiate") else method.split(".")[1]
            if (kind, made) in seen:
                yield f"id {made} of a {kind} was given twice"
            seen.add((kind, made))


def _still_in_use(world: World) -> Iterator[str]:
    client = world.front_end.client
    for host_id in world.host_ids:
        share = client.element("one.host.info", host_id).find("HOST_SHARE")
        assert share is not None
        figures = [share.findtext(name) for name in SHARE]
        if figures != ["0"] * len(SHARE):
            yield f"host {host_id}: {SHARE} are {figures} without a VM"
    for image in client.element("one.imagepool.info", -2, -1, -1):
        if image.findtext("RUNNING_VMS") != "0" or image.find("VMS/ID") is not None:
            yield f"image {image.findtext('ID')}: in use without a VM"
    for network_id in world.shared["one.vn"]:
        network = client.element("one.vn.info", network_id)
        held = [lease for lease in network.iter("LEASE") if lease.findtext("VM") == "-1"]
        if network.findtext("USED_LEASES") != str(len(held)):
            used = network.findtext("USED_LEASES")
            yield f"network {network_id}: {used} leases, {len(held)} are held and nobody else is there"
    for user_id in world.user_ids:
        quota = client.element("one.user.info", user_id).find("VM_QUOTA/VM")
        if quota is not None:
            taken = {item.tag: item.text for item in quota if item.tag.endswith("_USED")}
            if any(float(value or 0) for value in taken.values()):
                yield f"user {user_id}: quotas are in use without a VM: {taken}"


def _plans_under_way(world: World) -> Iterator[str]:
    with closing(
        sqlite3.connect(f"file:{world.front_end.location.database_file}?mode=ro", uri=True)
    ) as connection:
        for vm_id, operation in connection.execute(
            "SELECT vm_id, operation FROM plan WHERE status = 'active'"
        ):
            yield f"VM {vm_id}: its plan to {operation} is still under way"


def _left_by_drivers(world: World) -> Iterator[str]:
    folder = world.front_end.location.root / "var/dummy"
    for path in folder.rglob("*"):
        if path.is_file() and path.parent != folder:
            log = world.front_end.location.vm_log(int(path.stem.removeprefix("one-")))
            story = log.read_text().splitlines()[-STORY_LINES:] if log.exists() else []
            yield "\n    ".join((f"left in the dummy drivers' world: {path.relative_to(folder)}", *story))


def _log_lines(world: World) -> Iterator[str]:
    """Return what the daemon logged of failures that are none of the drivers' own."""
    text = world.front_end.location.log_file("oned").read_text(errors="replace")
    for line in text.splitlines():
        if "Traceback" in line or (" ERROR " in line and TOLD_FAILURE not in line):
            yield f"log: {line}"
