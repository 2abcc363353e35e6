"""The contract test of virtualisation drivers.

::

    class TestMine(VmmDriverContract):
        @pytest.fixture
        def driver(self, tmp_path: Path) -> MyDriver:
            return MyDriver(driver_context(tmp_path))

The driver works on hosts ``host1`` and ``host2`` unless the fixtures ``host`` and ``destination`` say
otherwise. Tests of optional actions that the driver does not declare are skipped.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

import pytest

from opennebula_core.contracts.vmm import Guest, GuestState, VmmAction, VmmDriver
from opennebula_core.errors import DriverError
from opennebula_core.model.template import Vector
from opennebula_core.testing.drivers import checked_options, make_guest, misdeclared, settle

METHODS: Final = (
    (VmmAction.SAVE, "save"),
    (VmmAction.RESTORE, "restore"),
    (VmmAction.MIGRATE, "migrate"),
    (VmmAction.REBOOT, "reboot"),
    (VmmAction.RESET, "reset"),
    (VmmAction.ATTACHDISK, "attach_disk"),
    (VmmAction.DETACHDISK, "detach_disk"),
    (VmmAction.ATTACHNIC, "attach_nic"),
    (VmmAction.DETACHNIC, "detach_nic"),
    (VmmAction.RESIZE, "resize"),
    (VmmAction.RESIZEDISK, "resize_disk"),
    (VmmAction.SNAPSHOTCREATE, "snapshot_create"),
    (VmmAction.SNAPSHOTREVERT, "snapshot_revert"),
    (VmmAction.SNAPSHOTDELETE, "snapshot_delete"),
    (VmmAction.DISKSNAPSHOTCREATE, "freeze"),
    (VmmAction.DISKSNAPSHOTCREATE, "thaw"),
)


class VmmDriverContract:
    """What every virtualisation driver has to keep; override the fixture ``driver``."""

    @pytest.fixture
    def host(self) -> str:
        """Return the host that guests run on."""
        return "host1"

    @pytest.fixture
    def destination(self) -> str:
        """Return another host, for migration."""
        return "host2"

    @pytest.fixture
    async def guest(self, driver: VmmDriver, host: str, destination: str) -> AsyncIterator[Guest]:
        """Give a VM that was never deployed; whatever of it still runs is ended after the test."""
        guest = make_guest(host)
        yield guest
        for where in (host, destination):
            await settle(driver.cancel(replace(guest, host=where, deploy_id=f"one-{guest.vm_id}")))
        await driver.close()

    @pytest.fixture
    def nic(self) -> Vector:
        """Return a NIC to be plugged in."""
        return Vector({"NIC_ID": "1", "BRIDGE": "onetest0", "MAC": "02:00:0a:00:00:02", "TARGET": "one-7-1"})

    @pytest.fixture
    def disk(self, guest: Guest) -> tuple[Vector, str]:
        """Return a disk to be plugged in, and its file on the host; a driver that opens it needs it there."""
        vector = Vector({"DISK_ID": "1", "TARGET": "vdb", "DRIVER": "raw", "SIZE": "1"})
        return vector, f"{guest.directory}/disk.1"

    async def deployed(self, driver: VmmDriver, guest: Guest) -> Guest:
        """Deploy the guest as the core does, and return it as it is then."""
        description = await settle(driver.describe(guest))
        return replace(guest, deploy_id=await settle(driver.deploy(guest, description)))

    async def test_a_guest_runs_after_its_deploy(self, driver: VmmDriver, guest: Guest) -> None:
        """Its deploy id is one word: it travels as one in the driver protocol."""
        running = await self.deployed(driver, guest)
        assert len(running.deploy_id.split()) == 1
        assert await settle(driver.poll(running)) is GuestState.RUNNING

    async def test_a_guest_that_runs_is_deployed_already(self, driver: VmmDriver, guest: Guest) -> None:
        """The request was sent again after a crash."""
        running = await self.deployed(driver, guest)
        again = await self.deployed(driver, replace(guest, attempt=2))
        assert again.deploy_id == running.deploy_id
        assert await settle(driver.poll(running)) is GuestState.RUNNING

    async def test_a_guest_that_was_never_there_is_powered_off(self, driver: VmmDriver, guest: Guest) -> None:
        """Not an error: that is how the core finds out."""
        assert await settle(driver.poll(replace(guest, deploy_id="one-7"))) is GuestState.POWEROFF

    async def test_cancel_ends_a_guest_and_may_be_repeated(self, driver: VmmDriver, guest: Guest) -> None:
        """What is gone counts as ended."""
        running = await self.deployed(driver, guest)
        await settle(driver.cancel(running))
        await settle(driver.cancel(replace(running, attempt=2)))
        assert await settle(driver.poll(running)) is GuestState.POWEROFF

    async def test_shutdown_of_a_vanished_guest_succeeds(self, driver: VmmDriver, guest: Guest) -> None:
        """What is gone counts as shut down, and stays gone."""
        vanished = replace(guest, deploy_id="one-7")
        await settle(driver.shutdown(vanished))
        assert await settle(driver.poll(vanished)) is GuestState.POWEROFF

    async def test_a_saved_guest_is_restored_and_both_may_be_repeated(
        self, driver: VmmDriver, guest: Guest
    ) -> None:
        """With the checkpoint where the core keeps it."""
        self._needs(driver, VmmAction.SAVE, VmmAction.RESTORE)
        checkpoint = f"{guest.directory}/checkpoint"
        running = await self.deployed(driver, guest)
        for attempt in (1, 2):
            await settle(driver.save(replace(running, attempt=attempt), checkpoint))
            assert await settle(driver.poll(running)) is not GuestState.RUNNING
        for attempt in (1, 2):
            deploy_id = await settle(driver.restore(replace(running, attempt=attempt), checkpoint))
            assert await settle(driver.poll(replace(running, deploy_id=deploy_id))) is GuestState.RUNNING

    async def test_a_guest_moves_to_another_host_and_the_move_may_be_repeated(
        self, driver: VmmDriver, guest: Guest, destination: str
    ) -> None:
        """It runs in one place afterwards."""
        self._needs(driver, VmmAction.MIGRATE)
        running = await self.deployed(driver, guest)
        for attempt in (1, 2):
            await settle(driver.migrate(replace(running, attempt=attempt), destination))
        assert await settle(driver.poll(replace(running, host=destination))) is GuestState.RUNNING
        assert await settle(driver.poll(running)) is not GuestState.RUNNING

    async def test_a_guest_that_nobody_saved_is_not_restored(self, driver: VmmDriver, guest: Guest) -> None:
        """It must not come up empty."""
        self._needs(driver, VmmAction.RESTORE)
        with pytest.raises(DriverError):
            await settle(driver.restore(replace(guest, deploy_id="one-7"), f"{guest.directory}/checkpoint"))
        assert await settle(driver.poll(replace(guest, deploy_id="one-7"))) is not GuestState.RUNNING

    @pytest.mark.parametrize("action", [VmmAction.REBOOT, VmmAction.RESET])
    async def test_a_guest_that_restarts_runs_afterwards(
        self, driver: VmmDriver, guest: Guest, action: VmmAction
    ) -> None:
        """Sent at most once."""
        self._needs(driver, action)
        running = await self.deployed(driver, guest)
        await settle(getattr(driver, action.lower())(running))
        assert await settle(driver.poll(running)) is GuestState.RUNNING

    async def test_a_nic_is_plugged_in_and_out_and_both_may_be_repeated(
        self, driver: VmmDriver, guest: Guest, nic: Vector
    ) -> None:
        """The guest runs on."""
        self._needs(driver, VmmAction.ATTACHNIC, VmmAction.DETACHNIC)
        running = await self.deployed(driver, guest)
        for method in (driver.attach_nic, driver.detach_nic):
            for attempt in (1, 2):
                await settle(method(replace(running, attempt=attempt), nic))
        assert await settle(driver.poll(running)) is GuestState.RUNNING

    async def test_a_disk_is_plugged_in_and_out_and_both_may_be_repeated(
        self, driver: VmmDriver, guest: Guest, disk: tuple[Vector, str]
    ) -> None:
        """The driver knows whether it is plugged in."""
        self._needs(driver, VmmAction.ATTACHDISK, VmmAction.DETACHDISK)
        running = await self.deployed(driver, guest)
        vector, path = disk
        for attempt in (1, 2):
            await settle(driver.attach_disk(replace(running, attempt=attempt), vector, path))
            assert await settle(driver.has_disk(running, vector))
        for attempt in (1, 2):
            await settle(driver.detach_disk(replace(running, attempt=attempt), vector))
            assert not await settle(driver.has_disk(running, vector))

    async def test_a_snapshot_is_made_reverted_to_and_removed(self, driver: VmmDriver, guest: Guest) -> None:
        """What the hypervisor calls it is one word; one that is gone counts as removed."""
        self._needs(driver, VmmAction.SNAPSHOTCREATE, VmmAction.SNAPSHOTREVERT, VmmAction.SNAPSHOTDELETE)
        running = await self.deployed(driver, guest)
        snapshot = Vector({"SNAPSHOT_ID": "0", "NAME": "first", "TIME": "1700000000"})
        name = await settle(driver.snapshot_create(running, snapshot))
        assert len(name.split()) == 1
        for attempt in (1, 2):
            await settle(driver.snapshot_revert(replace(running, attempt=attempt), name))
        assert await settle(driver.poll(running)) is GuestState.RUNNING
        for attempt in (1, 2):
            await settle(driver.snapshot_delete(replace(running, attempt=attempt), name))

    async def test_guests_are_not_mixed_up(self, driver: VmmDriver, guest: Guest, host: str) -> None:
        """What ends one leaves the other alone."""
        other = make_guest(host, vm_id=guest.vm_id + 1, directory=f"{guest.directory}1")
        running = [await self.deployed(driver, each) for each in (guest, other)]
        await settle(driver.cancel(running[1]))
        assert await settle(driver.poll(running[0])) is GuestState.RUNNING
        assert await settle(driver.poll(running[1])) is GuestState.POWEROFF

    async def test_a_guest_that_is_held_still_goes_on_and_both_may_be_repeated(
        self, driver: VmmDriver, guest: Guest
    ) -> None:
        """It is the same guest afterwards."""
        self._needs(driver, VmmAction.DISKSNAPSHOTCREATE)
        running = await self.deployed(driver, guest)
        for attempt in (1, 2):
            await settle(driver.freeze(replace(running, attempt=attempt)))
        assert await settle(driver.poll(running)) is not GuestState.RUNNING
        for attempt in (1, 2):
            await settle(driver.thaw(replace(running, attempt=attempt)))
        assert await settle(driver.poll(running)) is GuestState.RUNNING

    def test_optional_actions_are_those_that_it_implements(self, driver: VmmDriver) -> None:
        """The core refuses what is not declared before it begins."""
        assert not misdeclared(type(driver), VmmDriver, METHODS)

    def test_options_have_defaults_of_their_types(self, driver: VmmDriver) -> None:
        """Every driver works without being configured."""
        checked_options(type(driver))

    @staticmethod
    def _needs(driver: VmmDriver, *actions: VmmAction) -> None:
        missing = sorted(set(actions) - type(driver).optional_actions)
        if missing:
            pytest.skip(f"the driver does not declare {', '.join(missing)}")
