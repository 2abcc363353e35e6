"""The contract test of information drivers.

::

    class TestMine(ImDriverContract):
        @pytest.fixture
        def driver(self, tmp_path: Path) -> MyDriver:
            return MyDriver(driver_context(tmp_path))
"""

from __future__ import annotations

import pytest

from opennebula_core.contracts.im import HostReport, ImDriver, MonitoredHost
from opennebula_core.testing.drivers import checked_options, settle
from opennebula_core.xml import element


class ImDriverContract:
    """What every information driver has to keep; override the fixture ``driver``, and ``host`` if need be."""

    @pytest.fixture
    def host(self) -> MonitoredHost:
        """Return a host that can be looked at."""
        document = element("<HOST><ID>1</ID><NAME>host1</NAME><TEMPLATE/></HOST>")
        return MonitoredHost(1, "host1", document)

    @pytest.fixture
    async def report(self, driver: ImDriver, host: MonitoredHost) -> HostReport:
        """Return what one look at the host finds."""
        found = await settle(driver.probe(host))
        await driver.close()
        return found

    def test_figures_are_in_their_units(self, report: HostReport) -> None:
        """CPU in percent of a core, memory in KiB: a host has at least a core and some memory."""
        assert report.total_cpu_percent >= 100
        assert report.total_memory_kib >= 64 * 1024
        assert 0 <= report.used_memory_kib <= report.total_memory_kib
        assert report.used_cpu_percent >= 0

    def test_attributes_can_be_used_in_expressions(self, report: HostReport) -> None:
        """Their names are upper-case words, each there once."""
        names = [name for name, _ in report.attributes]
        assert all(name.isidentifier() and name == name.upper() for name in names)
        assert len(names) == len(set(names))

    def test_each_guest_is_reported_once(self, report: HostReport) -> None:
        """By its deploy id; foreign ones have the id -1."""
        assert len({guest.deploy_id for guest in report.guests}) == len(report.guests)
        assert all(guest.vm_id >= -1 for guest in report.guests)

    async def test_a_host_can_be_looked_at_again(self, driver: ImDriver, host: MonitoredHost) -> None:
        """What does not change stays as it was."""
        looks = [await settle(driver.probe(host)) for _ in range(2)]
        await driver.close()
        assert looks[0].total_memory_kib == looks[1].total_memory_kib

    def test_options_have_defaults_of_their_types(self, driver: ImDriver) -> None:
        """Every driver works without being configured."""
        checked_options(type(driver))
