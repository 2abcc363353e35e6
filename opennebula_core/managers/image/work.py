"""The datastore drivers' work on images: begun after the commit that announces it, done again after a crash.

An image in LOCKED waits to be made, or for work on one of its snapshots, one in DELETE to be removed; the row
itself is the note of what is to do.
"""

from __future__ import annotations

import itertools
import logging
import time
from datetime import timedelta

from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.documents.datastore import datastore_xml
from opennebula_core.documents.image import image_xml
from opennebula_core.errors import DriverError, DriverGoneError, DriverUnusableError
from opennebula_core.managers.core import Core
from opennebula_core.managers.image.snapshot_actions import end_action
from opennebula_core.managers.vm.disks import BEING_MADE, refresh_disks, waits_for_images
from opennebula_core.managers.vm.effects import VmEffects
from opennebula_core.managers.vm.operations import place_to_wait
from opennebula_core.model.numbers import MAX_MIB, whole_number
from opennebula_core.model.objects import Datastore, Image
from opennebula_core.model.states import ImageState, VmState
from opennebula_core.wire.requests import DatastoreRequest, Reply

LOG = logging.getLogger(__name__)

STAT_TIMEOUT = timedelta(seconds=60)
COPY_TIMEOUT = timedelta(hours=12)
MAX_RESENDS = 3
SAVED_VM = "SAVED_VM_ID"
"""Attribute of an image that a VM's disk is, or was, saved to."""
SAVING_STEP = "image"
"""Kind of the step of a VM's plan that has the image made; its arguments say which."""
_SAVING = """SELECT plan.vm_id FROM plan, json_each(plan.body, '$.steps') AS step
    WHERE plan.status = 'active' AND json_extract(step.value, '$[0]') = ?
        AND json_extract(step.value, '$[6].image_id') = ?"""
FIRST_SIZE_REQUEST = 1 << 30
"""Who asks for a size has no image yet; the numbers of such requests are no image's."""


class ImageWork:
    """Runs the actions of datastore drivers for images."""

    def __init__(self, core: Core, effects: VmEffects) -> None:
        self._core = core
        self._effects = effects
        self._sizes_asked = itertools.count(FIRST_SIZE_REQUEST)
        self._removing: set[int] = set()

    # -- asking ----------------------------------------------------------------------------------

    async def stat(self, image: Image, datastore: Datastore) -> int:
        """Return the size in MiB that an image will have.

        :raises DriverError: the driver cannot tell, for example because the file is not there
        """
        request = DatastoreRequest(
            "STAT", next(self._sizes_asked), image_xml(image), datastore_xml(datastore)
        )
        reply = await self._core.drivers.request("datastore", datastore.ds_mad, request, timeout=STAT_TIMEOUT)
        if not reply.success:
            raise DriverError(reply.info)
        size = whole_number((reply.info.split() or [""])[0], MAX_MIB)
        if size is None:
            raise DriverError(f"driver datastore/{datastore.ds_mad} answered {reply.info[:80]!r} as a size")
        return max(size, 1)

    async def _ask(self, action: str, image: Image, datastore: Datastore) -> Reply:
        for attempt in range(1, MAX_RESENDS + 1):
            request = DatastoreRequest(action, image.id, image_xml(image), datastore_xml(datastore), attempt)
            try:
                return await self._core.drivers.request(
                    "datastore", datastore.ds_mad, request, timeout=COPY_TIMEOUT
                )
            except DriverGoneError as error:
                if attempt == MAX_RESENDS or isinstance(error, DriverUnusableError):
                    return Reply(False, str(error))
                LOG.warning("image %d: %s; sending %s again", image.id, error, action)
            except DriverError as error:
                return Reply(False, str(error))
        raise AssertionError("unreachable: the last attempt returns")

    # -- work ------------------------------------------------------------------------------------

    def begin(self, tx: Transaction, image: Image) -> None:
        """Have an image made or removed once what says so is committed."""
        image_id = image.id
        tx.after_commit(lambda: self._spawn(image_id))

    def _spawn(self, image_id: int) -> None:
        self._core.spawn(self._work(image_id), f"image {image_id}")

    def resume_all(self) -> None:
        """Go on with what the last process left."""
        states = (*BEING_MADE, ImageState.DELETE)
        for image in self._core.store.read(lambda tx: tx.images.where(f"state IN {tuple(map(int, states))}")):
            self._spawn(image.id)

    async def _work(self, image_id: int) -> None:
        found = self._core.store.read(lambda tx: _with_datastore(tx, image_id))
        if found is None:
            return
        image, datastore = found
        if image.state is ImageState.DELETE:
            if image_id not in self._removing:  # what was to make it may find that it is to go, too
                self._removing.add(image_id)
                try:
                    await self._remove(image, datastore)
                finally:
                    self._removing.discard(image_id)
        elif image.state in BEING_MADE and image.snapshot_action:
            await self._snap(image, datastore)
        elif image.state in BEING_MADE and self._core.store.read(lambda tx: saving_vm(tx, image)) is None:
            await self._make(image, datastore)

    async def make_for_saving(self, image_id: int) -> Image:
        """Make the file that a disk shall be copied to, once, and return the image, still LOCKED.

        :raises DriverError: the driver cannot, or nobody wants the image any more
        """
        found = self._core.store.read(lambda tx: _with_datastore(tx, image_id))
        if found is None or found[0].state is not ImageState.LOCKED:
            raise DriverError(f"image {image_id} is gone: the disk is not saved")
        image, datastore = found
        if image.source:
            return image
        reply = await self._ask("MKFS", image, datastore)
        words = reply.info.split()
        if not reply.success or not words:
            raise DriverError(f"image {image_id}: {reply.info or 'the driver named no source'}")
        await self._core.store.write(lambda tx: _note_source(tx, image_id, words[0]))
        image.source = words[0]
        return image

    async def _snap(self, image: Image, datastore: Datastore) -> None:
        """Have the driver do with a snapshot of the image what its row says."""
        action = image.snapshot_action
        reply = await self._ask(action, image, datastore)
        self._core.progress.pop(("datastore", image.id), None)
        failure = "" if reply.success else reply.info or "the driver gave no reason"
        await self._core.store.write(lambda tx: self._snapped(tx, image.id, action, failure))

    def _snapped(self, tx: Transaction, image_id: int, action: str, failure: str) -> None:
        image = end_action(tx, image_id, action, failure)
        if image is not None:
            self._ready(tx, image)

    async def _make(self, image: Image, datastore: Datastore) -> None:
        action = "CLONE" if image.cloning_id >= 0 else "CP" if image.path else "MKFS"
        reply = await self._ask(action, image, datastore)
        self._core.progress.pop(("datastore", image.id), None)
        words = reply.info.split()
        if reply.success and words:
            if not await self._core.store.write(lambda tx: self._made(tx, image.id, words)):
                image.source = words[0]
                await self._ask("RM", image, datastore)  # it was deleted meanwhile
        else:
            reason = reply.info or "the driver named no source"
            await self._core.store.write(lambda tx: self._failed(tx, image.id, action, reason))

    def _made(self, tx: Transaction, image_id: int, words: list[str]) -> bool:
        """Show an image that is there; return whether anybody still wants it."""
        image = tx.images.find(image_id)
        if image is None or image.state not in BEING_MADE:
            return False
        image.source = words[0]
        image.format = words[1] if len(words) > 1 else image.format or "raw"
        if image.cloning_id >= 0:
            self._end_cloning(tx, image.cloning_id)
            image.cloning_id = -1
        self._ready(tx, image)
        return True

    def _ready(self, tx: Transaction, image: Image) -> None:
        """Show an image as what can be used, or is, and let VMs go on that have waited for it."""
        image.prev_state = image.state
        ready = ImageState.USED_PERS if image.persistent else ImageState.USED
        image.state = ready if image.running_vms else ImageState.READY
        tx.images.save(image, f"state {image.state.name}")
        self._wake_vms(tx, image)

    def _failed(self, tx: Transaction, image_id: int, action: str, reason: str) -> None:
        image = tx.images.find(image_id)
        if image is None or image.state not in BEING_MADE:
            return
        LOG.error("image %d: %s failed: %s", image_id, action, reason)
        image.prev_state, image.state = image.state, ImageState.ERROR
        image.template.set("ERROR", f"{time.ctime(tx.now)} : Error copying image in the datastore: {reason}")
        if image.cloning_id >= 0:
            self._end_cloning(tx, image.cloning_id)
            image.cloning_id = -1
        tx.images.save(image, "state ERROR")
        for vm_id in tx.images.vm_ids(image_id):
            vm = tx.vms.get(vm_id)
            if vm.state is VmState.CLONING:
                self._effects.set_error(tx, vm, f"image {image_id} could not be made: {reason}")
                self._effects.set_state(tx, vm, VmState.CLONING_FAILURE, vm.lcm_state)

    @staticmethod
    def _end_cloning(tx: Transaction, source_id: int) -> None:
        source = tx.images.find(source_id)
        if source is not None:
            source.cloning_ops, before = max(source.cloning_ops - 1, 0), source.state.name
            if source.state is ImageState.CLONE and not source.cloning_ops:
                source.state = ImageState.USED if source.running_vms else ImageState.READY
            tx.images.save_after(before, source)

    def _wake_vms(self, tx: Transaction, image: Image) -> None:
        """Let the VMs go on that waited for the image, once none of theirs is missing."""
        for vm_id in tx.images.vm_ids(image.id):
            vm = tx.vms.get(vm_id)
            if vm.state is not VmState.CLONING:
                continue
            refresh_disks(tx, vm)
            if waits_for_images(tx, vm):
                tx.vms.save(vm)
                continue
            self._effects.set_state(tx, vm, *place_to_wait(vm))

    async def _remove(self, image: Image, datastore: Datastore) -> None:
        drivers, ds_mad = self._core.drivers, datastore.ds_mad
        if image.prev_state in BEING_MADE:
            await drivers.cancel("datastore", ds_mad, image.id)
        if image.source or not drivers.pool.is_executable("datastore", ds_mad):
            reply = await self._ask("RM", image, datastore)
            if not reply.success and image.source:
                await self._core.store.write(lambda tx: self._not_removed(tx, image.id, reply.info))
                return
            if not reply.success:
                LOG.warning("image %d: what was made of it may be left over: %s", image.id, reply.info)
        await self._core.store.write(lambda tx: self._removed(tx, image))

    def _removed(self, tx: Transaction, image: Image) -> None:
        if image.cloning_id >= 0:
            self._end_cloning(tx, image.cloning_id)
        tx.images.drop(image.id)

    @staticmethod
    def _not_removed(tx: Transaction, image_id: int, reason: str) -> None:
        image = tx.images.find(image_id)
        if image is not None:
            LOG.error("image %d: RM failed: %s", image_id, reason)
            image.prev_state, image.state = image.state, ImageState.ERROR
            image.template.set(
                "ERROR", f"{time.ctime(tx.now)} : Error removing image from datastore: {reason}"
            )
            tx.images.save(image, "state ERROR")


def saving_vm(tx: Snapshot, image: Image) -> int | None:
    """Return the VM whose plan makes the image, as a disk is copied to it; None for all other images.

    The plan's word counts: the image's template is its owner's, who may write anything there.
    """
    if image.state is not ImageState.LOCKED:
        return None
    vm_id: int | None = tx.value(_SAVING, (SAVING_STEP, image.id))
    return vm_id


def _note_source(tx: Transaction, image_id: int, source: str) -> None:
    image = tx.images.get(image_id)
    image.source = source
    tx.images.save(image)


def _with_datastore(tx: Snapshot, image_id: int) -> tuple[Image, Datastore] | None:
    image = tx.images.find(image_id)
    if image is None:
        return None
    if image.cloning_id >= 0:
        original = tx.images.find(image.cloning_id)
        image.path = original.source if original is not None else ""
    return image, tx.datastores.get(image.datastore_id)
