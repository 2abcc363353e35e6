"""The actions on guests as steps. Source: OpenNebula 6.10's exec driver, see 6.10-vmm-exec.txt.

A step that fails ends the action; where a half-done action must leave nothing behind, it is undone first.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from opennebula_core.contracts.vmm import Guest, GuestState, VmmDriver
from opennebula_core.errors import DriverError, OpenNebulaError
from opennebula_core.model.marks import ACTIVE, RESIZED, SNAPPED
from opennebula_core.model.security_rules import group_ids
from opennebula_core.model.template import Vector
from opennebula_core.wire.services.guest import VmmCall
from opennebula_core.wire.services.vmm_steps import Steps

POLL_LETTERS: Final[Mapping[GuestState, str]] = {
    GuestState.RUNNING: "a",
    GuestState.SUSPENDED: "p",
    GuestState.FAILURE: "e",
    GuestState.POWEROFF: "d",
    GuestState.UNKNOWN: "-",
}
"""Source: OpenNebula 1.2 to 5.12, answers to POLL."""


@dataclass(frozen=True, slots=True)
class Work:
    """One action under way: what is asked, of which driver, and the steps to do it with."""

    call: VmmCall
    driver: VmmDriver
    steps: Steps


async def _describe(work: Work) -> str:
    text = await work.steps.call("", work.driver.describe, work.call.guest)
    return base64.b64encode(text.encode()).decode()


async def _deploy(work: Work) -> str:
    call, driver, steps = work.call, work.driver, work.steps
    description = await _description(work)
    await steps.transfer("context", call.tm_command)
    return await _boot(
        work, lambda: steps.hypervisor(call.guest.host, driver.deploy, call.guest, description)
    )


async def _restore(work: Work) -> str:
    call, driver, steps = work.call, work.driver, work.steps
    await steps.transfer("context", call.tm_command)
    return await _boot(
        work, lambda: steps.hypervisor(call.guest.host, driver.restore, call.guest, call.checkpoint)
    )


async def _boot(work: Work, start: Callable[[], Awaitable[str]]) -> str:
    """Start a guest between the network's two steps; a failure leaves neither guest nor network."""
    guest, steps = work.call.guest, work.steps
    nics = work.call.nics()
    try:
        await steps.network("pre", guest, nics)
        deploy_id = await start()
        if not deploy_id or any(c.isspace() for c in deploy_id):
            raise DriverError(
                f"{work.call.action} of VM {guest.vm_id}: the deploy id {deploy_id!r} is no word"
            )
    except Exception:
        await steps.attempt(steps.network("clean", guest, nics))
        raise
    guest = replace(guest, deploy_id=deploy_id)
    try:
        await steps.network("post", guest, nics)
    except Exception:
        await steps.attempt(steps.hypervisor(guest.host, work.driver.cancel, guest))
        await steps.attempt(steps.network("clean", guest, nics))
        raise
    return deploy_id


async def _description(work: Work) -> str:
    """Return the text that the core's file holds; a core that names none leaves it to the driver."""
    path = work.call.local_deployment_file
    if not path:
        return await work.steps.call("", work.driver.describe, work.call.guest)
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise DriverError(f"cannot open deployment file {path!r}: {error}") from error


async def _shutdown(work: Work) -> str:
    return await _end(work, work.driver.shutdown)


async def _cancel(work: Work) -> str:
    return await _end(work, work.driver.cancel)


async def _end(work: Work, method: Callable[..., Awaitable[None] | None]) -> str:
    guest = work.call.guest
    await work.steps.hypervisor(guest.host, method, guest)
    await work.steps.attempt(work.steps.network("clean", guest, work.call.nics()))  # the guest has ended
    return ""


async def _save(work: Work) -> str:
    guest = work.call.guest
    await work.steps.hypervisor(guest.host, work.driver.save, guest, work.call.checkpoint)
    await work.steps.attempt(work.steps.network("clean", guest, work.call.nics()))  # the guest is saved
    return ""


async def _migrate(work: Work) -> str:
    """Move a guest; a failure leaves nothing on the destination, unless the guest may be there."""
    call, steps = work.call, work.steps
    here, nics, vm = call.guest, call.nics(), call.guest.document
    if not call.other_host:
        raise DriverError(f"MIGRATE of VM {here.vm_id}: no destination is named; name it in MIGR_HOST")
    there = replace(here, host=call.other_host)
    if not (here.attempt > 1 and await _has_moved(work, here, there)):
        try:
            await steps.migration("pre", call.tm_command, vm)
            await steps.network("pre", there, nics)
            await steps.hypervisor(here.host, work.driver.migrate, here, call.other_host)
        except Exception:
            if await _is_absent(work, there):
                await steps.attempt(steps.migration("fail", call.tm_command, vm))
                await steps.attempt(steps.network("clean", there, nics))
            raise
    await steps.attempt(steps.network("clean", here, nics))
    await steps.attempt(steps.network("post", there, nics))
    await steps.attempt(steps.migration("post", call.tm_command, vm))
    return ""


async def _has_moved(work: Work, here: Guest, there: Guest) -> bool:
    """Return whether an earlier attempt has moved the guest; its files at home may be gone by then."""
    try:
        arrived = await work.steps.call(there.host, work.driver.poll, there)
        left = await work.steps.call(here.host, work.driver.poll, here)
    except (OpenNebulaError, OSError) as error:
        work.call.guest.report.warning(str(error))
        return False
    return arrived is GuestState.RUNNING and left is GuestState.POWEROFF


async def _is_absent(work: Work, guest: Guest) -> bool:
    """Return whether it is sure that nothing of a guest is on the host.

    A migration whose outcome was lost on the way may have happened; then the files there are the only ones.
    """
    try:
        state = await work.steps.call(guest.host, work.driver.poll, guest)
    except (OpenNebulaError, OSError) as error:
        work.call.guest.report.warning(str(error))
        state = GuestState.UNKNOWN
    if state is not GuestState.POWEROFF:
        work.call.guest.report.warning(f"{guest.host} is left as it is: the guest is {state} there")
    return state is GuestState.POWEROFF


async def _cleanup(work: Work) -> str:
    """Remove whatever of the guest is on its host, and on the other one when the core names it."""
    call, steps = work.call, work.steps
    hosts = [call.guest.host] + ([call.other_host] if call.other_host else [])
    guests = [replace(call.guest, host=host) for host in hosts]
    for guest in guests:
        await steps.attempt(steps.hypervisor(guest.host, work.driver.cancel, guest))
    for guest in guests:
        await steps.attempt(steps.network("clean", guest, call.nics()))
    await steps.transfer_each("delete", call.tm_command)
    return ""


async def _attach_disk(work: Work) -> str:
    """Make a disk and plug it in; a failure leaves neither, unless the guest holds on to it."""
    call, steps, driver = work.call, work.steps, work.driver
    guest, disk = call.guest, call.marked("DISK")
    if guest.attempt > 1 and await steps.call(guest.host, driver.has_disk, guest, disk):
        return ""  # an earlier attempt has plugged it in, and the guest may have written to it
    await steps.transfer("attach", call.tm_command)
    try:
        await steps.hypervisor(guest.host, driver.attach_disk, guest, disk, call.disk_path)
    except Exception:
        await steps.attempt(steps.hypervisor(guest.host, driver.detach_disk, guest, disk))
        await steps.attempt(_remove_disk(work, disk))
        raise
    return ""


async def _remove_disk(work: Work, disk: Vector) -> None:
    call, steps = work.call, work.steps
    if await steps.call(call.guest.host, work.driver.has_disk, call.guest, disk):
        raise DriverError(f"the guest holds on to disk {disk.get('DISK_ID', '')}; its file is left alone")
    await steps.transfer("detach", call.tm_rollback)


async def _detach_disk(work: Work) -> str:
    call, steps = work.call, work.steps
    await steps.hypervisor(call.guest.host, work.driver.detach_disk, call.guest, call.marked("DISK"))
    await steps.transfer("detach", call.tm_command)
    return ""


async def _attach_nic(work: Work) -> str:
    """Plug a NIC in; the guest keeps it even if its context CD could not be made anew."""
    call, steps, driver = work.call, work.steps, work.driver
    guest, nic = call.guest, call.marked("NIC", "NIC_ALIAS", "PCI")
    nics = call.nics(marked=True)
    try:
        await steps.network("pre", guest, nics)
        await steps.hypervisor(guest.host, driver.attach_nic, guest, nic)
        await steps.network("post", guest, nics)
    except Exception:
        await steps.attempt(steps.hypervisor(guest.host, driver.detach_nic, guest, nic))
        await steps.attempt(steps.network("clean", guest, nics))
        raise
    await steps.attempt(_renew_context(work))
    return ""


async def _detach_nic(work: Work) -> str:
    call, steps = work.call, work.steps
    nic = call.marked("NIC", "NIC_ALIAS", "PCI")
    await steps.hypervisor(call.guest.host, work.driver.detach_nic, call.guest, nic)
    await steps.network("clean", call.guest, call.nics(marked=True))
    await steps.attempt(_renew_context(work))
    return ""


async def _update_conf(work: Work) -> str:
    await _renew_context(work)
    return ""


async def _renew_context(work: Work) -> None:
    """Make the context CD anew and have the guest see it; without a context there is nothing to do."""
    call, steps = work.call, work.steps
    context = call.guest.template.vector("CONTEXT")
    await steps.transfer("context", call.tm_command)
    if context is None or not call.tm_command:
        return
    await steps.hypervisor(call.guest.host, work.driver.reconfigure, call.guest, context, call.context_path)


async def _update_security_group(work: Work) -> str:
    """Put changed rules in force on the NICs that have the group; on all where none is named."""
    call = work.call
    wanted = call.security_group_id
    nics = [
        nic for nic in call.nics() if wanted is None or wanted in group_ids(nic.get("SECURITY_GROUPS", ""))
    ]
    try:
        await work.steps.network("update_sg", call.guest, nics)
    except DriverError as error:  # a core finds the group in the first word, of failures as well
        raise DriverError(f"{'-' if wanted is None else wanted} {error}") from error
    return "" if wanted is None else str(wanted)


async def _snapshot_create(work: Work) -> str:
    guest, snapshot = work.call.guest, work.call.marked("SNAPSHOT", mark=ACTIVE)
    name = await work.steps.hypervisor(guest.host, work.driver.snapshot_create, guest, snapshot)
    if len(name.split()) != 1:
        raise DriverError(f"{work.call.action} of VM {guest.vm_id}: the snapshot's id {name!r} is no word")
    return name


async def _snapshot_revert(work: Work) -> str:
    return await _with_snapshot(work, work.driver.snapshot_revert)


async def _snapshot_delete(work: Work) -> str:
    return await _with_snapshot(work, work.driver.snapshot_delete)


async def _with_snapshot(work: Work, method: Callable[..., Awaitable[None] | None]) -> str:
    guest, snapshot = work.call.guest, work.call.marked("SNAPSHOT", mark=ACTIVE)
    await work.steps.hypervisor(guest.host, method, guest, snapshot.get("HYPERVISOR_ID", ""))
    return ""


async def _disk_snapshot_create(work: Work) -> str:
    """Have a disk copied while the guest holds still; it goes on whatever becomes of the copy."""
    call, driver, steps = work.call, work.driver, work.steps
    guest = call.guest
    call.marked("DISK", mark=SNAPPED)
    try:
        await steps.hypervisor(guest.host, driver.freeze, guest)
        await steps.transfer("snap_create", call.tm_command)
    except BaseException:  # also when the core drops the request
        await asyncio.shield(steps.attempt(steps.hypervisor(guest.host, driver.thaw, guest)))
        raise
    await steps.hypervisor(guest.host, driver.thaw, guest)
    return ""


async def _resize_disk(work: Work) -> str:
    """Have the hypervisor grow the disk: what a guest uses, no transfer driver may touch."""
    guest, disk = work.call.guest, work.call.marked("DISK", mark=RESIZED)
    size = disk.get("SIZE", "")
    if not size.isdecimal():
        raise DriverError(f"{work.call.action} of VM {guest.vm_id}: its SIZE is {size!r}, no number of MiB")
    await work.steps.hypervisor(guest.host, work.driver.resize_disk, guest, disk, int(size))
    return ""


async def _resize(work: Work) -> str:
    await work.steps.hypervisor(work.call.guest.host, work.driver.resize, work.call.guest)
    return ""


async def _reboot(work: Work) -> str:
    await work.steps.hypervisor(work.call.guest.host, work.driver.reboot, work.call.guest)
    return ""


async def _reset(work: Work) -> str:
    await work.steps.hypervisor(work.call.guest.host, work.driver.reset, work.call.guest)
    return ""


async def _poll(work: Work) -> str:
    state = await work.steps.call(work.call.guest.host, work.driver.poll, work.call.guest)
    return f"STATE={POLL_LETTERS[state]}"


ACTIONS: Final[Mapping[str, Callable[[Work], Awaitable[str]]]] = {
    "DESCRIBE": _describe,
    "DEPLOY": _deploy,
    "SHUTDOWN": _shutdown,
    "CANCEL": _cancel,
    "SAVE": _save,
    "RESTORE": _restore,
    "MIGRATE": _migrate,
    "CLEANUP": _cleanup,
    "ATTACHDISK": _attach_disk,
    "DETACHDISK": _detach_disk,
    "ATTACHNIC": _attach_nic,
    "DETACHNIC": _detach_nic,
    "UPDATECONF": _update_conf,
    "UPDATESG": _update_security_group,
    "RESIZE": _resize,
    "RESIZEDISK": _resize_disk,
    "SNAPSHOTCREATE": _snapshot_create,
    "SNAPSHOTREVERT": _snapshot_revert,
    "SNAPSHOTDELETE": _snapshot_delete,
    "DISKSNAPSHOTCREATE": _disk_snapshot_create,
    "REBOOT": _reboot,
    "RESET": _reset,
    "POLL": _poll,
}
"""How each action is done; it returns the answer's INFO."""
