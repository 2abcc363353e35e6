"""Checks of virtualisation drivers: every action, asked twice and after a kill, and what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from opennebula_core.testing.conformance.bench import Bench
from opennebula_core.testing.conformance.checks import Check
from opennebula_core.testing.conformance.kinds.decoding import decoded
from opennebula_core.testing.conformance.kinds.guests import TestGuest
from opennebula_core.testing.conformance.kinds.hot_plug import HotPlug
from opennebula_core.testing.conformance.kinds.vmm_requests import GONE, RUNNING, VmmRequests
from opennebula_core.testing.conformance.outcome import CheckFailedError

SENT_AND_KILLED_S: Final = 0.1


class VmmKind(VmmRequests):
    """Virtualisation drivers."""

    def checks(self) -> Sequence[Check]:
        """Return the checks of all actions."""
        return [
            Check("action.DEPLOY", "a guest runs after its deploy, asked once or again", self.deploy),
            Check("action.DEPLOY-failure", "a deploy that fails leaves no guest", self.deploy_failure),
            Check("action.DEPLOY-killed", "a deploy cut short is repeated with success", self.deploy_killed),
            Check("action.POLL", "a guest that never was there is gone, not an error", self.poll),
            Check("action.CANCEL", "a guest ends at once; one that is gone has ended", self.cancel),
            Check("action.SHUTDOWN", "a guest shuts down; one that is gone has shut down", self.shutdown),
            Check("action.SAVE", "a saved guest does not run, asked once or again", self.save),
            Check("action.RESTORE", "a saved guest runs again, on the host it is asked for", self.restore),
            Check("action.RESTORE-failure", "without a checkpoint nothing is restored", self.restore_failure),
            Check("action.MIGRATE", "a guest that moves runs in one place, the other one", self.migrate),
            Check("action.MIGRATE-failure", "a guest that is not there does not move", self.migrate_failure),
            Check("action.CLEANUP", "nothing is left of a guest, asked once or again", self.cleanup),
            Check("action.DESCRIBE", "its deployment description is text in base64", self.describe),
            Check("action.others", "what ends one guest leaves the others alone", self.others),
            *HotPlug(self).checks(),
        ]

    async def deploy(self, bench: Bench) -> None:
        """Deploy, again, and after a kill."""
        self.needs("DEPLOY")
        guest = await self.deployed()
        await self.must_be(guest, RUNNING, "DEPLOY")
        await self.twice_more("DEPLOY", guest, partial(self._deployed_already, guest))

    async def _deployed_already(self, guest: TestGuest) -> None:
        again = await self.deployed(attempt=2, guest=guest)
        if again.deploy_id != guest.deploy_id:
            raise CheckFailedError(f"the same deploy id {guest.deploy_id}, asked again", again.deploy_id)
        await self.must_be(guest, RUNNING, "DEPLOY asked again")

    async def deploy_failure(self, bench: Bench) -> None:
        """Deploy without a description."""
        self.needs("DEPLOY")
        guest = self.guest()
        await self.fail(guest.without_description(), "without its deployment file")
        await self.must_not_run(guest, "a DEPLOY that failed")
        guest = await self.deployed(attempt=2, guest=guest)
        await self.must_be(guest, RUNNING, "a DEPLOY that follows one that failed")
        await self.end(guest)

    async def deploy_killed(self, bench: Bench) -> None:
        """Kill the driver at work."""
        self.needs("DEPLOY")
        guest = self.guest()
        request = guest.request("DEPLOY")
        driver = await bench.driver()
        driver.send(bench.encode(request), "DEPLOY", guest.vm_id)
        await asyncio.sleep(SENT_AND_KILLED_S)
        await bench.killed()
        guest = await self.deployed(attempt=2, guest=guest)
        await self.must_be(guest, RUNNING, "a DEPLOY that was cut short and asked again")
        await self.end(guest)

    async def poll(self, bench: Bench) -> None:
        """Look at what never was."""
        self.needs("POLL")
        await self.must_be(self.guest(), GONE, "nothing at all")

    async def cancel(self, bench: Bench) -> None:
        """End a guest, and again."""
        await self._ending("CANCEL")

    async def shutdown(self, bench: Bench) -> None:
        """Have a guest end, and again."""
        await self._ending("SHUTDOWN")

    async def cleanup(self, bench: Bench) -> None:
        """Remove a guest, and again."""
        await self._ending("CLEANUP")

    async def _ending(self, action: str) -> None:
        self.needs(action)
        guest = await self.deployed()
        request = guest.request(action)
        await self.succeed(request)
        await self.must_be(guest, GONE, action)
        await self.repeat(request, guest, GONE)

    async def save(self, bench: Bench) -> None:
        """Save a guest, and again."""
        self.needs("SAVE")
        guest = await self.deployed()
        request = guest.request("SAVE")
        await self.succeed(request)
        await self.must_not_run(guest, "SAVE")

        async def again() -> None:
            await self.succeed(replace(request, attempt=2), "asked again")
            await self.must_not_run(guest, "SAVE asked again")

        await self.twice_more("SAVE", guest, again)

    async def restore(self, bench: Bench) -> None:
        """Restore a guest, and again."""
        self.needs("SAVE", "RESTORE")
        guest = await self.deployed()
        await self.succeed(guest.request("SAVE"))
        answer = await self.succeed(guest.request("RESTORE"))
        words = answer.info.split()
        guest = guest.named(words[0]) if len(words) == 1 and words[0] != "-" else guest
        await self.must_be(guest, RUNNING, "RESTORE")
        await self.repeat(guest.request("RESTORE"), guest, RUNNING)

    async def restore_failure(self, bench: Bench) -> None:
        """Restore what nobody saved."""
        self.needs("RESTORE")
        guest = self.guest()
        await self.fail(guest.request("RESTORE"), "without a checkpoint")
        await self.must_not_run(guest, "a RESTORE that failed")

    async def migrate(self, bench: Bench) -> None:
        """Move a guest, and again."""
        self.needs("MIGRATE")
        guest = await self.deployed()
        await self._moved(guest, attempt=1)
        await self.twice_more("MIGRATE", guest, partial(self._moved, guest, attempt=2))

    async def _moved(self, guest: TestGuest, attempt: int) -> None:
        await self.succeed(guest.request("MIGRATE", attempt=attempt))
        await self.must_be(guest, RUNNING, "MIGRATE", elsewhere=True)
        await self.must_not_run(guest, "MIGRATE, on the host that it left")

    async def migrate_failure(self, bench: Bench) -> None:
        """Move what is not there."""
        self.needs("MIGRATE")
        guest = self.guest()
        await self.fail(guest.request("MIGRATE"), "of a guest that is not there")
        if await self.state(guest, elsewhere=True) == RUNNING:
            raise CheckFailedError(
                "no running guest after a MIGRATE that failed", "STATE=a on the other host"
            )

    async def describe(self, bench: Bench) -> None:
        """Ask for a description."""
        self.needs("DESCRIBE")
        answer = await self.succeed(self.guest().request("DESCRIBE"))
        if not decoded(answer.info):
            raise CheckFailedError("a text in base64", answer.info)

    async def others(self, bench: Bench) -> None:
        """End one of three guests, and deploy without success what would be a fourth."""
        self.needs("DEPLOY", "CANCEL")
        guests = [await self.deployed() for _ in range(3)]
        if len({guest.deploy_id for guest in guests}) < 3:
            raise CheckFailedError(
                "a deploy id for each guest", ", ".join(guest.deploy_id for guest in guests)
            )
        await self.succeed(guests[1].request("CANCEL"))
        await self.must_be(guests[1], GONE, "its CANCEL")
        await self.fail(self.guest().without_description(), "without its deployment file")
        for guest in (guests[0], guests[2]):
            await self.must_be(guest, RUNNING, "the CANCEL of another guest, and another's failed DEPLOY")
            await self.end(guest)
