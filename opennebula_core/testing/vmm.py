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
        """What is gone counts as shut down."""
        await settle(driver.shutdown(replace(guest, deploy_id="one-7")))

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
