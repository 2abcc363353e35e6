"""What the clients share: hosts, an estate of objects, and what they have told each other of."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from bench.front_end import SESSION, FrontEnd
from opennebula_core.client import Client
from opennebula_core.dummy.behaviour import write_control
from opennebula_core.errors import ClientError
from opennebula_core.model.states import HostState, ImageState

HOSTS, USERS, IMAGES, NETWORKS, CLUSTERS = 6, 4, 4, 3, 2
RANGE_SIZE: Final = 400
USERS_GROUP: Final = 1
OPEN: Final = (1, 1, 0, 1, 1, 0, 1, 0, 0)
"""Permissions with which everybody may use a shared object."""

DELAY_S, FAILURE_RATE = 0.03, 0.05
READY_LIMIT_S: Final = 30.0
LOOK_EVERY_S: Final = 0.1
DRIVER_KINDS: Final = ("vmm", "tm", "datastore")
SURE: Final = ("vmm/CANCEL", "tm/DELETE")
"""What never fails: deleting a VM goes on without them, so that what they left would be nobody's fault."""

IMAGE_DATASTORE: Final = "NAME=shared-images\nDS_MAD=dummy\nTM_MAD=dummy\n"
SYSTEM_DATASTORE: Final = "NAME=shared-disks\nTYPE=SYSTEM_DS\nTM_MAD=dummy\n"
NETWORK: Final = "NAME=net{0}\nVN_MAD=dummy\nBRIDGE=br{0}\nAR=[TYPE=IP4,IP=10.{0}.0.2,SIZE={1}]\n"
TEMPLATE: Final = """NAME=template{image}
CPU=0.01
MEMORY=4
DISK=[IMAGE_ID={image}]
NIC=[NETWORK_ID={network}]
CONTEXT=[NETWORK=YES]
"""
RULE: Final = "RULE=[PROTOCOL=TCP,RULE_TYPE=inbound,RANGE=22]"


@dataclass
class World:
    """Ids of what is there; the lists of what comes and goes are grown by all clients.

    :ivar shared: by method prefix, objects that stay, and that everybody changes
    """

    front_end: FrontEnd
    system_datastore_id: int
    image_datastore_id: int
    host_ids: list[int]
    user_ids: list[int]
    shared: dict[str, list[int]]
    vm_ids: list[int] = field(default_factory=list)
    image_ids: list[int] = field(default_factory=list)
    reservation_ids: list[int] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def endpoint(self) -> str:
        """The address of the API."""
        return f"http://127.0.0.1:{self.front_end.port}/RPC2"

    def session(self, number: int) -> str:
        """Return as whom a client comes: three of four administer, the others are users."""
        return SESSION if number % 4 else f"user{number // 4 % USERS}:secret"

    def behave(self, delay_s: float, failure_rate: float) -> None:
        """Tell the dummy drivers how long their actions take, and how many fail."""
        sure = {"delay_s": delay_s}
        rule = {**sure, "failure_rate": failure_rate}
        rules = {**dict.fromkeys(SURE, sure), **{f"{kind}/*": rule for kind in DRIVER_KINDS}}
        write_control(self.front_end.location.root, rules)


def build_world(front_end: FrontEnd) -> World:
    """Make hosts, users and what they share, and wait until all of it is ready."""
    client = front_end.client
    clusters = [client.integer("one.cluster.allocate", f"cluster{number}") for number in range(CLUSTERS)]
    hosts = [
        client.integer("one.host.allocate", f"host{number}", "dummy", "dummy", -1) for number in range(HOSTS)
    ]
    images_in = client.integer("one.datastore.allocate", IMAGE_DATASTORE, -1)
    disks_in = client.integer("one.datastore.allocate", SYSTEM_DATASTORE, -1)
    for cluster_id in clusters:
        client.call("one.cluster.adddatastore", cluster_id, disks_in)
    images = [
        client.integer("one.image.allocate", f"NAME=image{number}\nPATH=/any/image\n", images_in)
        for number in range(IMAGES)
    ]
    networks = [
        client.integer("one.vn.allocate", NETWORK.format(number, RANGE_SIZE), -1)
        for number in range(NETWORKS)
    ]
    templates = [
        client.integer(
            "one.template.allocate", TEMPLATE.format(image=image, network=networks[image % NETWORKS])
        )
        for image in images
    ]
    users = [
        client.integer("one.user.allocate", f"user{number}", "secret", "core", [USERS_GROUP])
        for number in range(USERS)
    ]
    groups = [client.integer("one.secgroup.allocate", f"NAME=group\n{RULE}\n")]
    shared = {
        "one.image": images,
        "one.vn": networks,
        "one.template": templates,
        "one.secgroup": groups,
        "one.cluster": clusters,
        "one.host": hosts,
        "one.user": users,
    }
    _let_everybody_in(client, shared)
    wait_for(client, "one.image.info", images, ImageState.READY)
    wait_for(client, "one.host.info", hosts, HostState.MONITORED)
    return World(front_end, disks_in, images_in, hosts, users, shared)


def _let_everybody_in(client: Client, shared: dict[str, list[int]]) -> None:
    for prefix in ("one.image", "one.vn", "one.template", "one.secgroup"):
        for object_id in shared[prefix]:
            more = (False,) if prefix == "one.template" else ()
            client.call(f"{prefix}.chmod", object_id, *OPEN, *more)


def wait_for(client: Client, method: str, ids: list[int], state: int) -> None:
    """Wait until objects are in a state.

    :raises ClientError: they are not in time
    """

    def is_there(object_id: int) -> bool:
        return client.element(method, object_id).findtext("STATE") == str(int(state))

    wait_until(lambda: all(map(is_there, ids)), f"{method} of {ids} to be in state {state!r}", READY_LIMIT_S)


def wait_until(is_so: Callable[[], bool], what: str, limit_s: float) -> None:
    """Wait until a condition holds.

    :raises ClientError: it does not in time
    """
    deadline = time.monotonic() + limit_s
    while not is_so():
        if time.monotonic() > deadline:
            raise ClientError(f"wait for {what}: not in {limit_s:.0f} s; see the daemon's log")
        time.sleep(LOOK_EVERY_S)


def any_of(chance: random.Random, ids: list[int], *, newest: int = 100) -> int:
    """Return one of the newest ids, -1 when there is none."""
    recent = ids[-newest:]
    return chance.choice(recent) if recent else -1
