"""A client that does whatever comes to its mind, by a seed, and notes what must not have happened."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from bench.stress.world import World, any_of
from opennebula_core.client import Client
from opennebula_core.errors import AuthenticationError, OpenNebulaError, RequestError
from opennebula_core.model.states import LcmState, VmState

ACTIONS: Final = (
    "terminate", "terminate-hard", "poweroff", "poweroff-hard", "undeploy", "undeploy-hard", "suspend",
    "stop", "resume", "resume", "resume", "reboot", "reboot-hard", "hold", "release", "resched", "unresched",
)  # fmt: skip
ON_HOST: Final = (
    "suspend", "suspend", "poweroff", "poweroff-hard", "stop", "undeploy", "reboot", "resched", "terminate",
)  # fmt: skip
AFTER_SLEEP: Final = ("resume", "resume", "resume", "resume", "terminate-hard")
MOVED: Final = 0.3
"""How often a running VM is moved instead."""

RECOVERIES: Final = (0, 2, 2, 2, 3, 4)
"""Failure, retry, delete and recreate: what is true whatever the drivers have done."""

READINGS: Final = (
    ("one.vmpool.info", -2, -1, -1, -1),
    ("one.vmpool.infoextended", -2, -1, -1, -2),
    ("one.vmpool.accounting", -2, -1, -1),
    ("one.vmpool.monitoring", -2, -1),
    ("one.hostpool.info",),
    ("one.imagepool.info", -2, -1, -1),
    ("one.vnpool.info", -2, -1, -1),
    ("one.userpool.info",),
    ("one.clusterpool.info",),
    ("one.datastorepool.info",),
)
LOCKABLE: Final = ("one.image", "one.vn", "one.template")
OWNED: Final = (*LOCKABLE, "one.secgroup")


class Visitor:
    """One client, over connections of its own.

    :ivar wrongs: what no client may ever meet
    :ivar kept: what was acknowledged and has to be there at the end: method prefix, object, attribute
    :ivar made: what was made, by method
    """

    def __init__(self, world: World, number: int, seed: int) -> None:
        self._world = world
        self._number = number
        self._chance = random.Random(f"{seed}/{number}")
        self._client = Client(world.endpoint, world.session(number))
        self.wrongs: list[str] = []
        self.kept: list[tuple[str, int, str]] = []
        self.made: list[tuple[str, int]] = []
        self.counts: Counter[str] = Counter()

    def visit(self, until: float) -> None:
        """Do one thing after the other.

        :param until: by the monotonic clock
        """
        deeds, weights = zip(*self._deeds(), strict=True)
        with self._client:
            while time.monotonic() < until:
                (deed,) = self._chance.choices(deeds, weights)
                self._try(deed)

    def _try(self, deed: Callable[[], object]) -> None:
        name = deed.__name__.lstrip("_")
        try:
            deed()
            self.counts[f"{name} done"] += 1
        except RequestError as error:
            self.counts[f"{name} refused"] += 1
            if isinstance(error, AuthenticationError) or "internal error" in str(error):
                self.wrongs.append(f"client {self._number}, {name}: {error!r}")
        except OpenNebulaError as error:
            self.wrongs.append(f"client {self._number}, {name}: {error!r}")

    def _deeds(self) -> list[tuple[Callable[[], object], int]]:
        return [
            (self._allocate, 8), (self._instantiate, 8), (self._go_on, 60), (self._deploy, 4), (self._act, 6),
            (self._migrate, 2), (self._recover, 2), (self._attach, 6), (self._detach, 4), (self._update, 20),
            (self._update_vm, 4),
            (self._chmod, 4), (self._chown, 4), (self._lock, 3), (self._unlock, 9), (self._reserve, 3),
            (self._unreserve, 2), (self._hold, 3), (self._release, 3), (self._clone, 3), (self._new_image, 2),
            (self._change_image, 2), (self._delete_image, 3), (self._limit, 2), (self._move_host, 1),
            (self._schedule, 2), (self._read, 4), (self._read_vm, 10),
        ]  # fmt: skip

    # -- VMs -------------------------------------------------------------------------------------

    def _allocate(self) -> None:
        image = any_of(self._chance, [*self._world.shared["one.image"], *self._world.image_ids[-10:]])
        network = any_of(self._chance, [*self._world.shared["one.vn"], *self._world.reservation_ids[-10:]])
        text = f"NAME=vm\nCPU=0.01\nMEMORY=4\nDISK=[IMAGE_ID={image}]\nDISK=[TYPE=fs,SIZE=16]\n"
        nics = f"NIC=[NETWORK_ID={network}]\n" * self._chance.choice((0, 1, 1, 2))
        self._made(self._world.vm_ids, "one.vm.allocate", text + nics, self._chance.random() < 0.2)

    def _instantiate(self) -> None:
        template = self._any("one.template")
        hold = self._chance.random() < 0.2
        self._made(self._world.vm_ids, "one.template.instantiate", template, "", hold, "", False)

    def _go_on(self) -> None:
        """Do something to a VM that its state allows, if nobody is faster."""
        vm_id = self._vm()
        vm = self._client.element("one.vm.info", vm_id)
        state, lcm_state = (int(vm.findtext(name, "-1")) for name in ("STATE", "LCM_STATE"))
        if LcmState(lcm_state).is_failure:
            self._client.call("one.vm.recover", vm_id, self._chance.choice((2, 2, 2, 3, 4)))
        elif state in (VmState.PENDING, VmState.HOLD):
            self._client.call("one.vm.deploy", vm_id, self._any("one.host"), False, -1, "")
        elif state != VmState.ACTIVE:
            self._client.call("one.vm.action", self._chance.choice(AFTER_SLEEP), vm_id)
        elif lcm_state not in (LcmState.RUNNING, LcmState.UNKNOWN):
            return
        elif self._chance.random() < MOVED:
            live = self._chance.random() < 0.5
            self._client.call("one.vm.migrate", vm_id, self._any("one.host"), live, False, -1, 0)
        else:
            self._client.call("one.vm.action", self._chance.choice(ON_HOST), vm_id)

    def _deploy(self) -> None:
        where = self._chance.choice((-1, self._world.system_datastore_id))
        self._client.call("one.vm.deploy", self._vm(), self._any("one.host"), False, where, "")

    def _act(self) -> None:
        self._client.call("one.vm.action", self._chance.choice(ACTIONS), self._vm())

    def _migrate(self) -> None:
        live, how = self._chance.random() < 0.5, self._chance.choice((0, 0, 1, 2))
        self._client.call("one.vm.migrate", self._vm(), self._any("one.host"), live, False, -1, how)

    def _recover(self) -> None:
        self._client.call("one.vm.recover", self._vm(), self._chance.choice(RECOVERIES))

    def _attach(self) -> None:
        if self._chance.random() < 0.5:
            text = f"NIC=[NETWORK_ID={self._any('one.vn')}]"
            self._client.call("one.vm.attachnic", self._vm(), text)
        else:
            self._client.call("one.vm.attach", self._vm(), f"DISK=[IMAGE_ID={self._any('one.image')}]")

    def _detach(self) -> None:
        word = self._chance.choice(("detach", "detachnic"))
        self._client.call(f"one.vm.{word}", self._vm(), self._chance.randrange(4))

    def _schedule(self) -> None:
        when = int(time.time()) + self._chance.randrange(5)
        text = f"SCHED_ACTION=[ACTION={self._chance.choice(ACTIONS[:8])},TIME={when}]"
        self._client.call("one.vm.schedadd", self._vm(), text)

    # -- what all share ---------------------------------------------------------------------------

    def _update(self) -> None:
        prefix = self._chance.choice(tuple(self._world.shared))
        self._add_attribute(prefix, self._any(prefix))

    def _update_vm(self) -> None:
        self._add_attribute("one.vm", self._vm())

    def _add_attribute(self, prefix: str, object_id: int) -> None:
        """Add an attribute of the client's own, which nobody removes."""
        name = f"C{self._number}N{len(self.kept)}"
        self._client.call(f"{prefix}.update", object_id, f'{name}="{self._number}"', 1)
        self.kept.append((prefix, object_id, name))

    def _chmod(self) -> None:
        bits = [self._chance.choice((-1, 1)) for _ in range(9)]
        prefix, object_id = self._owned()
        more = (False,) if prefix == "one.template" else ()
        self._client.call(f"{prefix}.chmod", object_id, *bits, *more)

    def _chown(self) -> None:
        prefix, object_id = self._owned()
        self._client.call(f"{prefix}.chown", object_id, self._any("one.user"), -1)

    def _lock(self) -> None:
        prefix, object_id = self._lockable()
        self._client.call(f"{prefix}.lock", object_id, self._chance.randrange(1, 5), False)

    def _unlock(self) -> None:
        prefix, object_id = self._lockable()
        self._client.call(f"{prefix}.unlock", object_id)

    def _reserve(self) -> None:
        text = f"NAME=reservation\nSIZE={self._chance.randrange(1, 8)}"
        if self._world.reservation_ids and self._chance.random() < 0.3:
            text = f"NETWORK_ID={any_of(self._chance, self._world.reservation_ids)}\nSIZE=2"
            self._client.call("one.vn.reserve", self._any("one.vn"), text)
        else:
            self._made(self._world.reservation_ids, "one.vn.reserve", self._any("one.vn"), text)

    def _unreserve(self) -> None:
        self._client.call("one.vn.delete", any_of(self._chance, self._world.reservation_ids))

    def _hold(self) -> None:
        self._hold_or_release("hold")

    def _release(self) -> None:
        self._hold_or_release("release")

    def _hold_or_release(self, word: str) -> None:
        place = self._chance.randrange(len(self._world.shared["one.vn"]))
        text = f"LEASES=[IP=10.{place}.0.{self._chance.randrange(200, 250)}]"
        self._client.call(f"one.vn.{word}", self._world.shared["one.vn"][place], text)

    def _clone(self) -> None:
        name = f"copy{self._number}-{self._chance.random()}"
        self._made(self._world.image_ids, "one.image.clone", self._any("one.image"), name, -1)

    def _new_image(self) -> None:
        text = f"NAME=new{self._number}-{self._chance.random()}\nTYPE=DATABLOCK\nSIZE=8\n"
        self._made(self._world.image_ids, "one.image.allocate", text, self._world.image_datastore_id)

    def _change_image(self) -> None:
        word, image = (
            self._chance.choice(("enable", "persistent")),
            any_of(self._chance, self._world.image_ids),
        )
        self._client.call(f"one.image.{word}", image, self._chance.random() < 0.7)

    def _delete_image(self) -> None:
        image = any_of(self._chance, self._world.image_ids)
        self._client.call("one.image.delete", image, self._chance.random() < 0.3)

    def _limit(self) -> None:
        vms = self._chance.choice((-2, 20, 50, 500))
        self._client.call("one.user.quota", self._any("one.user"), f"VM=[VMS={vms}]")

    def _move_host(self) -> None:
        self._client.call("one.cluster.addhost", self._any("one.cluster"), self._any("one.host"))

    def _read(self) -> None:
        method, *params = self._chance.choice(READINGS)
        self._client.element(str(method), *params)

    def _read_vm(self) -> None:
        self._client.element("one.vm.info", self._vm())

    # -- choosing ---------------------------------------------------------------------------------

    def _made(self, ids: list[int], method: str, *params: object) -> None:
        made = self._client.integer(method, *params)
        self.made.append((method, made))
        with self._world.lock:
            ids.append(made)

    def _any(self, prefix: str) -> int:
        return self._chance.choice(self._world.shared[prefix])

    def _vm(self) -> int:
        return any_of(self._chance, self._world.vm_ids)

    def _owned(self) -> tuple[str, int]:
        prefix = self._chance.choice((*OWNED, "one.vm"))
        return prefix, self._vm() if prefix == "one.vm" else self._any(prefix)

    def _lockable(self) -> tuple[str, int]:
        prefix = self._chance.choice((*LOCKABLE, "one.vm"))
        return prefix, self._vm() if prefix == "one.vm" else self._any(prefix)
