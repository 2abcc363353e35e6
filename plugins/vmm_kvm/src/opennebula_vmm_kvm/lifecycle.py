"""Starting, stopping, saving and restoring one domain, each so that it may be repeated."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from opennebula_core.contracts.vmm import Guest
from opennebula_core.errors import DriverError
from opennebula_vmm_kvm.acceleration import Acceleration
from opennebula_vmm_kvm.adaptation import buffered, emulated, is_kvm, relocated
from opennebula_vmm_kvm.scripts import CREATE, FINISH_SAVE, SAVE
from opennebula_vmm_kvm.states import DomainState
from opennebula_vmm_kvm.virsh import STANDARD_INPUT, Virsh, checked, domain_name

POLL_PERIOD_S = 1.0
FIRST_POLL_S = 0.25
RESEND_PERIOD_S = 5.0
"""A guest that is still booting drops the power button, so it is pressed again."""

NO_DIRECT_IO = "does not support O_DIRECT"


def lock_of(guest: Guest) -> str:
    """Return the lock under which a VM is changed on a host."""
    return f"vm-{guest.vm_id}"


class Lifecycle:
    """The actions that begin or end a domain.

    :param memory_timeout: for what writes or reads a guest's memory
    """

    def __init__(self, virsh: Virsh, acceleration: Acceleration, memory_timeout: timedelta) -> None:
        self._virsh = virsh
        self._acceleration = acceleration
        self._memory_timeout = memory_timeout

    async def deploy(self, guest: Guest, description: str, *, is_emulated: bool | None) -> str:
        """Start the guest; one that runs already is left alone.

        :param is_emulated: whether KVM must not be used; None: find out
        """
        name = domain_name("", guest.vm_id)
        if is_kvm(description):
            if is_emulated is None:
                is_emulated = not await self._acceleration.has_kvm(guest.host)
            if is_emulated:
                guest.report.info(f"no KVM on {guest.host}: the guest is emulated")
                description = emulated(description)

        async def create() -> None:
            await self._create(guest, description)

        await self._start(guest, name, create)
        return name

    async def _create(self, guest: Guest, description: str) -> None:
        folder, lock = [guest.directory], lock_of(guest)
        completed = await self._virsh.feed(guest.host, CREATE, folder, description, lock=lock)
        if NO_DIRECT_IO in completed.stderr:
            guest.report.warning("the file system knows no direct I/O: disks go through the page cache")
            completed = await self._virsh.feed(guest.host, CREATE, folder, buffered(description), lock=lock)
        checked(completed, guest.host, "create")

    async def _start(self, guest: Guest, name: str, start: Callable[[], Awaitable[None]]) -> None:
        """Run ``start``; if it fails because of a domain that is there, keep or remove that one first."""
        try:
            await start()
        except DriverError:
            state = await self.settled(guest.host, name)
            if state.is_gone:
                raise
            if state.is_alive:
                guest.report.info(f"{name} is there already: {state}")
                return
            guest.report.warning(f"{name} was left on {guest.host}, {state}; it is removed")
            await self._virsh.cancel(guest.host, name, lock_of(guest))
            await start()

    async def settled(self, host: str, name: str) -> DomainState:
        """Return a domain's state once libvirt is not in the middle of something with it."""
        deadline = time.monotonic() + self._memory_timeout.total_seconds()
        while True:
            state = await self._virsh.state(host, name)
            if not state.is_passing or time.monotonic() > deadline:
                return state
            await asyncio.sleep(POLL_PERIOD_S)

    async def shutdown(self, guest: Guest, limit: timedelta) -> None:
        """Press the power button until the guest is off."""
        name = domain_name(guest.deploy_id, guest.vm_id)
        began = time.monotonic()
        pressed = -RESEND_PERIOD_S
        pause_s = FIRST_POLL_S
        while True:
            state = await self._virsh.state(guest.host, name)
            if not state.is_alive:
                break
            passed = time.monotonic() - began
            if passed > limit.total_seconds():
                raise DriverError(
                    f"shut down VM {guest.vm_id} on {guest.host!r}: the guest is still {state} after "
                    f"{limit.total_seconds():g} s; see whether it heeds ACPI, or terminate it hard"
                )
            if passed - pressed >= RESEND_PERIOD_S:
                pressed = passed
                await self._press_power_button(guest, name)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, POLL_PERIOD_S)
        if not state.is_gone:
            await self._virsh.cancel(guest.host, name, lock_of(guest))

    async def _press_power_button(self, guest: Guest, name: str) -> None:
        try:
            await self._virsh.run(guest.host, ["shutdown", name, "--mode", "acpi"], lock=lock_of(guest))
        except DriverError as error:
            # It may have gone off in between; the next look tells, and the time limit ends the attempts.
            guest.report.warning(f"{error}")

    async def save(self, guest: Guest, checkpoint: str) -> None:
        """Write the guest's memory to a file and end the guest."""
        name = domain_name(guest.deploy_id, guest.vm_id)
        state = await self.settled(guest.host, name)
        script = SAVE if state.is_alive else FINISH_SAVE
        try:
            await self._virsh.script(
                guest.host, script, [name, checkpoint], lock=lock_of(guest), timeout=self._memory_timeout
            )
        except DriverError as error:
            if state.is_alive:
                raise
            raise DriverError(
                f"save VM {guest.vm_id} on {guest.host!r}: the guest is {state} and its memory is not in "
                f"{checkpoint}: {error}; it can only be booted anew"
            ) from error

    async def freeze(self, guest: Guest) -> None:
        """Pause the guest, unless it is paused."""
        await self._unless(guest, "suspend", lambda state: state.is_held)

    async def thaw(self, guest: Guest) -> None:
        """Have a paused guest go on, unless it runs or sleeps."""
        await self._unless(guest, "resume", lambda state: state.is_running or state.is_asleep)

    async def _unless(self, guest: Guest, command: str, is_so: Callable[[DomainState], bool]) -> None:
        name = domain_name(guest.deploy_id, guest.vm_id)
        if not is_so(await self.settled(guest.host, name)):
            await self._virsh.run(guest.host, [command, name], lock=lock_of(guest))

    async def restore(self, guest: Guest, checkpoint: str) -> str:
        """Start the guest from a file with its memory, and remove the file: it fits the disks no more."""
        name = domain_name(guest.deploy_id, guest.vm_id)

        async def restore() -> None:
            dump = ["save-image-dumpxml", checkpoint, "--security-info"]
            saved = await self._virsh.run(guest.host, dump)
            wanted = relocated(saved, guest.directory)
            words = ["restore", checkpoint]
            if wanted != saved:
                words += ["--xml", STANDARD_INPUT]
            await self._virsh.run(
                guest.host, words, stdin=wanted, lock=lock_of(guest), timeout=self._memory_timeout
            )

        state = await self.settled(guest.host, name)
        if not state.is_alive:
            await self._start(guest, name, restore)
        elif state.is_held:  # held still for a copy of a disk by a driver that died over it
            await self.thaw(guest)
        await self._virsh.remove(guest.host, checkpoint)
        return name
