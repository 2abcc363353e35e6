"""The contract test of network drivers.

::

    class TestMine(VnmDriverContract):
        @pytest.fixture
        def driver(self, tmp_path: Path) -> MyDriver:
            return MyDriver(driver_context(tmp_path))

The driver works on ``host1`` for one NIC on the bridge ``onetest0`` unless the fixtures ``host`` and ``nics``
say otherwise. Whoever can look at the host overrides :meth:`VnmDriverContract.is_prepared`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from opennebula_core.contracts.vmm import Guest
from opennebula_core.contracts.vnm import VnmDriver
from opennebula_core.model.template import Vector
from opennebula_core.testing.drivers import checked_options, make_guest, settle


class VnmDriverContract:
    """What every network driver has to keep; override the fixture ``driver``."""

    @pytest.fixture
    def host(self) -> str:
        """Return the host that the guest is on."""
        return "host1"

    @pytest.fixture
    def nics(self) -> list[Vector]:
        """Return the guest's NICs, as its template has them."""
        values = {"NIC_ID": "0", "NETWORK_ID": "0", "BRIDGE": "onetest0", "MAC": "02:00:0a:00:00:01"}
        return [Vector({**values, "TARGET": "one-7-0", "VN_MAD": "mine"})]

    @pytest.fixture
    async def guest(self, driver: VnmDriver, host: str, nics: list[Vector]) -> AsyncIterator[Guest]:
        """Give the guest; what was made for it on the host is undone after the test."""
        guest = make_guest(host, deploy_id="one-7")
        yield guest
        await settle(driver.clean(guest, nics))
        await driver.close()

    def is_prepared(self, host: str, nics: Sequence[Vector]) -> bool | None:
        """Return whether the host has what the NICs plug into; None: nobody can tell."""
        return None

    async def test_what_the_nics_plug_into_is_made_and_again(
        self, driver: VnmDriver, guest: Guest, host: str, nics: list[Vector]
    ) -> None:
        """The request was sent again after a crash."""
        for _ in range(2):
            await settle(driver.pre(guest, nics))
            assert self.is_prepared(host, nics) is not False

    async def test_what_needs_the_guests_interfaces_is_set_up_and_again(
        self, driver: VnmDriver, guest: Guest, host: str, nics: list[Vector]
    ) -> None:
        """After what they plug into; that stays."""
        await settle(driver.pre(guest, nics))
        for _ in range(2):
            await settle(driver.post(guest, nics))
        assert self.is_prepared(host, nics) is not False

    async def test_rules_of_security_groups_are_put_in_force_and_again(
        self, driver: VnmDriver, guest: Guest, host: str, nics: list[Vector]
    ) -> None:
        """Also while the guest is leaving, and has left: that is no failure."""
        await settle(driver.pre(guest, nics))
        for _ in range(2):
            await settle(driver.update_sg(guest, nics))
        await settle(driver.clean(guest, nics))
        await settle(driver.update_sg(guest, nics))
        assert self.is_prepared(host, nics) is not True

    async def test_all_is_undone_and_again(
        self, driver: VnmDriver, guest: Guest, host: str, nics: list[Vector]
    ) -> None:
        """What is gone counts as undone."""
        await settle(driver.pre(guest, nics))
        await settle(driver.post(guest, nics))
        for _ in range(2):
            await settle(driver.clean(guest, nics))
        assert self.is_prepared(host, nics) is not True

    async def test_a_guest_that_never_was_there_may_be_cleaned_up_after(
        self, driver: VnmDriver, guest: Guest, host: str, nics: list[Vector]
    ) -> None:
        """A deployment that failed early is undone like any other."""
        await settle(driver.clean(guest, nics))
        assert self.is_prepared(host, nics) is not True

    async def test_a_guest_without_nics_is_no_matter(
        self, driver: VnmDriver, guest: Guest, host: str, nics: list[Vector]
    ) -> None:
        """There is nothing to do for it, and nothing is made."""
        await settle(driver.pre(guest, []))
        await settle(driver.post(guest, []))
        assert self.is_prepared(host, nics) is not True
        await settle(driver.clean(guest, []))

    def test_options_have_defaults_of_their_types(self, driver: VnmDriver) -> None:
        """Every driver works without being configured."""
        checked_options(type(driver))
