"""Moving a running guest to another host, and finishing what an earlier attempt began."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from opennebula_core.contracts.vmm import Guest
from opennebula_core.errors import DriverError
from opennebula_vmm_kvm.lifecycle import POLL_PERIOD_S, lock_of
from opennebula_vmm_kvm.states import DomainState
from opennebula_vmm_kvm.virsh import Virsh, domain_name

PROGRESS_PERIOD_S = 5.0
SETTLING_S = 20.0
"""A migration that lost its virsh at the very end is finished or undone by the two libvirts within this."""

ATTEMPTS = 3
"""How often a migration whose remains were cleared away is begun, within one request."""

_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]*\Z")
_AMOUNT = re.compile(r"^(Data|File|Memory) (processed|total):\s+([0-9.]+) (\w+)", re.MULTILINE)
_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}


@dataclass(frozen=True, slots=True)
class MigrationSettings:
    """How guests move.

    :param uri: libvirt of the destination, with ``{host}`` for its name
    :param has_shared_storage: whether both hosts see the same disk files
    :param flags: more options of ``virsh migrate``
    :param timeout: for the whole move
    """

    uri: str
    has_shared_storage: bool
    flags: Sequence[str]
    timeout: timedelta

    def words(self, name: str, destination: str) -> list[str]:
        """Return the arguments of virsh that move ``name``."""
        # Without shared storage the disks travel too; with it, libvirt cannot know that it is shared and
        # would refuse every cache mode but none.
        storage = ["--unsafe"] if self.has_shared_storage else ["--copy-storage-all"]
        uri = self.uri.replace("{host}", destination)
        return ["migrate", "--live", *storage, *self.flags, name, uri]


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """The domain's state on both hosts.

    :param is_presumed: the source does not answer, but is still sending the guest to the destination
    """

    here: DomainState
    there: DomainState
    is_presumed: bool = False

    @property
    def is_passing(self) -> bool:
        """Whether libvirt is in the middle of something on either host."""
        return self.here.is_passing or self.there.is_passing

    @property
    def is_moved(self) -> bool:
        """Whether the guest runs on the destination and nowhere else."""
        return self.there.is_running and not self.here.is_alive


class Migration:
    """One move of one guest."""

    def __init__(self, virsh: Virsh, settings: MigrationSettings, guest: Guest, destination: str) -> None:
        if not _HOST.match(destination):
            raise DriverError(
                f"migrate VM {guest.vm_id}: {destination!r} is no host name; correct the host's name"
            )
        self._virsh = virsh
        self._settings = settings
        self._guest = guest
        self._destination = destination
        self._name = domain_name(guest.deploy_id, guest.vm_id)
        self._has_begun = guest.attempt > 1
        self._has_warned = False

    async def run(self) -> None:
        """Move the guest; one that runs on the destination, and not here, has been moved.

        :raises DriverError: it was not moved; it runs where it did, unless the message says otherwise
        """
        for attempt in range(1, ATTEMPTS + 1):
            where = await self._clear(await self._settled())
            if where.is_moved:
                await self._forget_here(where)
                return
            try:
                await self._move()
            except DriverError as error:
                where = await self._clear(await self._settled())
                if where.is_moved:
                    break
                if attempt == ATTEMPTS or not is_worth_repeating(str(error)):
                    raise
                self._guest.report.warning(f"{error}; once more")
        where = await self._settled()
        if not where.is_moved:
            raise DriverError(self._told(where, "see the logs of libvirt on both hosts"))
        await self._forget_here(where)

    async def _settled(self) -> Whereabouts:
        """Wait for a migration that is under way, such as one that an earlier driver process began."""
        deadline = time.monotonic() + self._settings.timeout.total_seconds()
        last_busy = time.monotonic()
        while True:
            where = await self._look()
            is_busy = where.is_presumed or await self._has_job()
            now = time.monotonic()
            if is_busy:
                last_busy = now
            is_between = where.is_passing and now - last_busy < SETTLING_S
            if not (is_busy or is_between):
                return where
            if now > deadline:
                raise DriverError(self._told(where, "see what the two libvirts do"))
            await asyncio.sleep(POLL_PERIOD_S)

    async def _look(self) -> Whereabouts:
        there = await self._virsh.state(self._destination, self._name)
        try:
            here = await self._virsh.state(self._guest.host, self._name)
        except DriverError as error:
            # The source cannot be asked, but it goes on: what arrives there tells how.
            if not self._has_begun or not (there.is_running or there.is_passing):
                raise
            self._warn(f"{error}; on {self._destination} the guest is {there}")
            if there.is_passing:
                return Whereabouts(DomainState("paused", "migrating"), there, is_presumed=True)
            here = DomainState("")
        return Whereabouts(here, there)

    def _warn(self, text: str) -> None:
        """Report the first of many looks that found the source silent."""
        if not self._has_warned:
            self._has_warned = True
            self._guest.report.warning(text)

    async def _has_job(self) -> bool:
        try:
            text = await self._virsh.run(self._guest.host, ["domjobinfo", self._name])
        except DriverError:
            return False  # a domain that has just gone, or is defined only
        return "None" not in text.partition("\n")[0]

    async def _clear(self, where: Whereabouts) -> Whereabouts:
        """Put away what an interrupted migration left, so that the guest runs on one host or the other."""
        if where.here.is_running and where.there.is_running:
            raise DriverError(self._told(where, "find out which one is right and destroy the other by hand"))
        if where.there.is_running and where.here.is_alive:
            # Moved, but the source was not told: it waits, paused, and must never go on.
            await self._virsh.cancel(self._guest.host, self._name, lock_of(self._guest))
        elif where.here.is_alive and not where.there.is_gone:
            await self._virsh.cancel(self._destination, self._name, lock_of(self._guest))
        if where.here.is_passing and not where.there.is_running:
            # Nobody knows any more whether it was to go on there; now that it cannot, it goes on here.
            await self._resume()
        if not where.here.is_alive and not where.there.is_running:
            raise DriverError(self._told(where, "boot it anew"))
        return await self._settled()

    async def _resume(self) -> None:
        try:
            await self._virsh.run(self._guest.host, ["resume", self._name], lock=lock_of(self._guest))
        except DriverError:
            state = await self._virsh.state(self._guest.host, self._name)
            if not state.is_running:
                raise

    async def _move(self) -> None:
        words = self._settings.words(self._name, self._destination)
        self._has_begun = True
        watch = asyncio.create_task(self._report_progress())
        try:
            await self._virsh.run(
                self._guest.host, words, lock=lock_of(self._guest), timeout=self._settings.timeout
            )
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    async def _report_progress(self) -> None:
        while True:
            await asyncio.sleep(PROGRESS_PERIOD_S)
            try:
                text = await self._virsh.run(self._guest.host, ["domjobinfo", self._name])
            except DriverError:
                continue  # it has just ended
            done, total = amounts(text)
            if total:
                self._guest.report.progress(done, total)

    async def _forget_here(self, where: Whereabouts) -> None:
        if not where.here.is_gone:
            await self._virsh.cancel(self._guest.host, self._name, lock_of(self._guest))

    def _told(self, where: Whereabouts, advice: str) -> str:
        return (
            f"migrate VM {self._guest.vm_id}: it is {where.here} on {self._guest.host!r} and {where.there} "
            f"on {self._destination!r}; {advice}"
        )


def amounts(job_info: str) -> tuple[int, int]:
    """Return the bytes done and in all of a job, as ``virsh domjobinfo`` tells them; zeros for no job."""
    found = {
        (kind, what): int(float(number) * _UNITS.get(unit, 1))
        for kind, what, number, unit in _AMOUNT.findall(job_info)
    }
    return found.get(("Data", "processed"), 0), found.get(("Data", "total"), 0)


def is_worth_repeating(error: str) -> bool:
    """Return whether a failure came from remains of an earlier attempt that have been cleared away since."""
    return "already exists" in error or "already active" in error
