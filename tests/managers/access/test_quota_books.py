"""What quotas count is what there is, after any sequence of operations, refusals and failures."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest

from opennebula_core.db import maintenance
from opennebula_core.errors import RequestError
from opennebula_core.model.states import ImageState
from opennebula_core.testing.cloud import Cloud, running_cloud
from tests.managers.vm.test_bookkeeping import World

ROUNDS = 40
QUOTAS = (
    "VM=[VMS=5]", "VM=[RUNNING_VMS=2,CPU=9]", "VM=[SYSTEM_DISK_SIZE=3000]", "VM=[VMS=-1]", "VM=[VMS=-2]",
    "NETWORK=[ID=0,LEASES=2]", "NETWORK=[ID=0,LEASES=-1]", "IMAGE=[ID=0,RVMS=3]",
    "DATASTORE=[ID=100,SIZE=2100]", "DATASTORE=[ID=100,IMAGES=-1]",
)  # fmt: skip


class Town(World):
    """The world of VMs with owners, images that come and go, and limits."""

    async def build(self) -> None:
        await super().build()
        self.owners = [0]
        self.groups = [0]
        for name in ("alice", "bob"):
            self.groups.append(await self.cloud.new("one.group.allocate", f"of {name}".replace(" ", "-")))
            self.owners.append(
                await self.cloud.new("one.user.allocate", name, "secret", "", [self.groups[-1]])
            )
        self.images: list[int] = []

    async def add_vm(self) -> None:
        await super().add_vm()
        await self.try_("one.vm.chown", self.vm_ids[-1], *self.owner())

    def owner(self) -> tuple[int, int]:
        return self.dice.choice(self.owners), self.dice.choice(self.groups)

    async def try_(self, method: str, *params: object) -> object:
        self.story.append(f"{method} {params}")
        try:
            return await self.cloud.call(method, *params)
        except RequestError as error:
            self.story[-1] += f": {error}"
            return None

    async def trade(self) -> None:
        """Do one thing to owners, images or limits."""
        dice = self.dice
        choice = dice.randrange(7)
        if choice <= 1:
            await self.try_("one.vm.chown", dice.choice(self.vm_ids), *self.owner())
        elif choice == 2:
            owner, word = dice.choice([(self.owners, "user"), (self.groups, "group")])
            await self.try_(f"one.{word}.quota", dice.choice(owner[1:]), dice.choice(QUOTAS))
        elif choice == 3:
            await self.try_(f"one.{dice.choice(('user', 'group'))}quota.update", dice.choice(QUOTAS))
        elif choice == 4 or not self.images:
            name = f"NAME=i{len(self.story)}\nTYPE=DATABLOCK\nSIZE={dice.randrange(1, 99)}"
            await self.keep(await self.try_("one.image.allocate", name, self.cloud.datastore_id))
        elif choice == 5:
            name = f"c{len(self.story)}"
            await self.keep(await self.try_("one.image.clone", dice.choice(self.images), name, -1))
        else:
            image_id = self.images.pop(dice.randrange(len(self.images)))
            await self.try_("one.image.delete", image_id, True)

    async def keep(self, image_id: object) -> None:
        if isinstance(image_id, int):
            self.images.append(image_id)
            await self.cloud.until(
                lambda: self.cloud.image(image_id).state in (ImageState.READY, ImageState.ERROR), "the image"
            )
            await self.try_("one.image.chown", image_id, *self.owner())

    def check(self) -> None:
        super().check()
        problems = [problem.text for problem in maintenance.check(self.cloud.daemon.store.path)]
        assert [text for text in problems if "quota" in text or "takes" in text] == [], "\n".join(self.story)

    async def gone(self) -> None:
        """End everything."""
        await self.end()
        for image_id in self.images:
            with suppress(RequestError):
                await self.cloud.call("one.image.delete", image_id, True)
        await self.cloud.until(
            lambda: self.cloud.daemon.store.read(lambda tx: tx.value("SELECT COUNT(*) FROM image")) == 1,
            "all images gone",
        )


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_what_is_counted_is_what_there_is(tmp_path: Path, seed: int) -> None:
    async with running_cloud(tmp_path) as cloud:
        town = Town(cloud, random.Random(seed))
        await town.build()
        for number in range(ROUNDS):
            if number < 4 or number % 8 == 0:
                await town.add_vm()
            await town.play()
            await town.trade()
            await town.trade()
            town.check()
        await town.gone()
        town.check()

        assert _used(cloud) == [], "\n".join(town.story)


def _used(cloud: Cloud) -> list[object]:
    return cloud.daemon.store.read(
        lambda tx: [
            quota
            for owner in ("USER", "GROUP")
            for quotas in tx.quotas.by_owner(owner).values()  # type: ignore[arg-type] # the word is its value
            for quota in quotas
            if any(quota.used)
        ]
    )
