"""Checks of what virtualisation drivers do to guests that run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from opennebula_core.testing.conformance.bench import Bench
from opennebula_core.testing.conformance.checks import Check
from opennebula_core.testing.conformance.kinds.guests import SECURITY_GROUP_ID
from opennebula_core.testing.conformance.kinds.vmm_requests import RUNNING, VmmRequests
from opennebula_core.testing.conformance.outcome import CheckFailedError

MIB: Final = 1 << 20


class HotPlug:
    """The actions on running guests: each leaves the guest running, and fails where there is none."""

    def __init__(self, kind: VmmRequests) -> None:
        self._kind = kind

    def checks(self) -> Sequence[Check]:
        """Return the checks."""
        return [
            Check("action.REBOOT", "a guest that reboots runs on; one that is gone does not", self.reboot),
            Check("action.RESET", "a guest that is reset runs on; one that is gone does not", self.reset),
            Check("action.ATTACHDISK", "a disk is plugged in and out, asked once or again", self.disk),
            Check("action.ATTACHNIC", "a NIC is plugged in and out, asked once or again", self.nic),
            Check("action.RESIZE", "a guest gets more memory, asked once or again", self.resize),
            Check("action.RESIZEDISK", "a disk grows, asked once or again", self.resize_disk),
            Check("action.SNAPSHOT", "a snapshot has a name, and is reverted to and removed", self.snapshot),
            Check(
                "action.UPDATESG", "rules of a security group are put in force, and it is named", self.rules
            ),
            Check("action.UPDATECONF", "a guest's context is renewed, asked once or again", self.update),
        ]

    async def reboot(self, bench: Bench) -> None:
        """Restart."""
        await self._once("REBOOT")

    async def reset(self, bench: Bench) -> None:
        """Restart at once."""
        await self._once("RESET")

    async def _once(self, action: str) -> None:
        kind = self._kind
        kind.needs(action)
        guest = await kind.deployed()
        await kind.succeed(guest.request(action))
        await kind.must_be(guest, RUNNING, action)
        await kind.end(guest)
        await kind.fail(guest.request(action), "of a guest that is gone")
        await kind.must_not_run(guest, f"{action} of a guest that is gone")

    async def disk(self, bench: Bench) -> None:
        """Plug a disk in and out."""
        await self._pair("ATTACHDISK", "DETACHDISK")

    async def nic(self, bench: Bench) -> None:
        """Plug a NIC in and out."""
        await self._pair("ATTACHNIC", "DETACHNIC")

    async def _pair(self, *actions: str) -> None:
        kind = self._kind
        kind.needs(*actions)
        guest = await kind.deployed()
        _make_disk(guest.request("ATTACHDISK").disk_target_path)
        for action in actions:
            for attempt in range(kind.times(action)):
                await kind.succeed(
                    guest.request(action, attempt=attempt + 1), "asked again" if attempt else ""
                )
                await kind.must_be(guest, RUNNING, action)
        await kind.fail(kind.guest().request(actions[0]), "to a guest that is gone")
        await kind.repeat(guest.request(actions[1], attempt=2), guest, RUNNING)

    async def resize(self, bench: Bench) -> None:
        """Give memory."""
        await self._again("RESIZE")

    async def resize_disk(self, bench: Bench) -> None:
        """Grow a disk."""
        await self._again("RESIZEDISK")

    async def rules(self, bench: Bench) -> None:
        """Put rules in force, and again; every answer names the group."""
        kind = self._kind
        kind.needs("UPDATESG")
        guest = await kind.deployed()
        for attempt in range(kind.times("UPDATESG")):
            answer = await kind.succeed(guest.request("UPDATESG", attempt=attempt + 1))
            if answer.info.split()[:1] != [str(SECURITY_GROUP_ID)]:
                raise CheckFailedError(f"the security group's id, {SECURITY_GROUP_ID}, first", answer.info)
        await kind.must_be(guest, RUNNING, "UPDATESG")
        await kind.end(guest)

    async def update(self, bench: Bench) -> None:
        """Renew the context."""
        await self._again("UPDATECONF")

    async def _again(self, action: str) -> None:
        kind = self._kind
        kind.needs(action)
        guest = await kind.deployed()
        request = guest.request(action)
        await kind.succeed(request)
        await kind.must_be(guest, RUNNING, action)
        await kind.repeat(request, guest, RUNNING)

    async def snapshot(self, bench: Bench) -> None:
        """Make one, go back to it, and remove it."""
        kind = self._kind
        kind.needs("SNAPSHOTCREATE")
        guest = await kind.deployed()
        made = await kind.succeed(guest.request("SNAPSHOTCREATE"))
        words = made.info.split()
        if not words or words == ["-"]:
            raise CheckFailedError("the hypervisor's name of the snapshot", repr(made.info))
        for action in ("SNAPSHOTREVERT", "SNAPSHOTDELETE"):
            if action in kind.subject.described_actions:
                request = guest.request(action, snapshot=words[0])
                await kind.succeed(request)
                if kind.times(action) > 1:
                    await kind.succeed(replace(request, attempt=2), "asked again")
        await kind.must_be(guest, RUNNING, "all that")
        await kind.end(guest)


def _make_disk(path: str) -> None:
    """Put a file where the disk is said to be, if that is on this machine."""
    file = Path(path)
    if file.parent.parent.is_dir():
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as opened:
            opened.truncate(2 * MIB)
