"""Checks of network drivers, which work inside a virtualisation driver: here the dummy's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from opennebula_core.testing.conformance.bench import Bench
from opennebula_core.testing.conformance.checks import Check
from opennebula_core.testing.conformance.kinds.guests import TestGuest
from opennebula_core.testing.conformance.kinds.vmm import VmmKind
from opennebula_core.testing.conformance.outcome import CheckFailedError


class VnmKind(VmmKind):
    """Network drivers."""

    def guest(self, object_id: int = 0) -> TestGuest:
        """Return a guest with a NIC of the driver's."""
        return replace(super().guest(object_id), nic_driver=self.subject.name)

    def checks(self) -> Sequence[Check]:
        """Return the checks."""
        return [
            Check("action.PRE", "networks are there before the guest, made once or again", self.pre),
            Check("action.POST", "what needs the guest is set up once it runs", self.post),
            Check("action.UPDATE_SG", "rules of security groups are put in force, once or again", self.rules),
            Check("action.CLEAN", "networks go with the guest, and what is gone is gone", self.clean),
            Check("action.together", "several guests come and go at once", self.together),
        ]

    def needs(self, *actions: str) -> None:
        """Go on: all network drivers have all of it."""

    async def pre(self, bench: Bench) -> None:
        """Deploy, again, and after a kill."""
        guest = await self.deployed()
        await self._told("pre")
        await self.deployed(attempt=2, guest=guest)

        async def once_more() -> None:
            await self.deployed(attempt=2, guest=guest)
            await self.end(guest)

        self.after_kill("PRE", once_more)

    async def post(self, bench: Bench) -> None:
        """Deploy."""
        guest = await self.deployed()
        await self._told("post")
        await self.end(guest)

    async def rules(self, bench: Bench) -> None:
        """Put rules in force, again, and after a kill."""
        guest = await self.deployed()

        async def put_in_force() -> None:
            (await bench.driver()).logs.clear()
            await self.succeed(guest.request("UPDATESG"))
            await self._told("update_sg")

        for _ in range(2):
            await put_in_force()
        self.after_kill("UPDATE_SG", put_in_force)
        self.after_kill("CANCEL", lambda: self.end(guest))

    async def clean(self, bench: Bench) -> None:
        """End a guest, and again, and after a kill."""
        guest = await self.deployed()

        async def clean() -> None:
            (await bench.driver()).logs.clear()
            await self.succeed(guest.request("CANCEL"))
            await self._told("clean")

        for _ in range(2):
            await clean()
        self.after_kill("CLEAN", clean)

    async def together(self, bench: Bench) -> None:
        """Deploy several, then end them."""
        guests = [self.guest() for _ in range(4)]
        for action in ("DEPLOY", "CANCEL"):
            await self.succeed_together([guest.request(action) for guest in guests])

    async def _told(self, step: str) -> None:
        """Make sure that a step of the network was taken, and went well."""
        texts = [line.text for line in (await self.bench.driver()).logs]
        if not any(
            text.startswith("Success") and text.endswith(f"network driver operation: {step}.")
            for text in texts
        ):
            seen = "; ".join(texts[-3:]) or "nothing of it in the log"
            raise CheckFailedError(f"{step} of the network to go well", seen)
