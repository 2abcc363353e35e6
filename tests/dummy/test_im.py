from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest

from opennebula_core.contracts.driver import DriverContext
from opennebula_core.contracts.im import MonitoredHost
from opennebula_core.contracts.vmm import Guest, GuestState
from opennebula_core.dummy.behaviour import write_control
from opennebula_core.dummy.im import DummyIm
from opennebula_core.dummy.vmm import DummyVmm
from opennebula_core.errors import DriverError

Context = Callable[..., DriverContext]


def host(name: str = "host01", document: Element | None = None) -> MonitoredHost:
    return MonitoredHost(3, name, Element("HOST") if document is None else document)


async def test_an_empty_host_has_its_size_and_uses_nothing(context: Context) -> None:
    report = await DummyIm(context()).probe(host())

    assert (report.total_cpu_percent, report.total_memory_kib) == (800, 16 * 1024 * 1024)
    assert (report.used_cpu_percent, report.used_memory_kib) == (0, 0)
    assert report.complete
    assert dict(report.attributes)["HYPERVISOR"] == "dummy"
    assert dict(report.attributes)["HOSTNAME"] == "host01"


async def test_options_and_the_host_s_template_set_the_size(context: Context) -> None:
    driver = DummyIm(context(total_cpu=400, total_memory_kib=1024))
    document = fromstring("<HOST><TEMPLATE><DUMMY_TOTALCPU>6400</DUMMY_TOTALCPU></TEMPLATE></HOST>")

    plain, special = await driver.probe(host()), await driver.probe(host(document=document))

    assert (plain.total_cpu_percent, plain.total_memory_kib) == (400, 1024)
    assert (special.total_cpu_percent, special.total_memory_kib) == (6400, 1024)


async def test_the_hypervisor_s_guests_are_reported_with_plausible_figures(
    context: Context, guest: Callable[..., Guest]
) -> None:
    hypervisor = DummyVmm(context())
    for vm_id in (9, 7):
        await hypervisor.deploy(guest(vm_id), "")
    await hypervisor.deploy(guest(8, "host02"), "")

    report = await DummyIm(context()).probe(host())

    assert [(found.vm_id, found.deploy_id, found.state) for found in report.guests] == [
        (7, "one-7", GuestState.RUNNING),
        (9, "one-9", GuestState.RUNNING),
    ]
    for found in report.guests:
        assert 0 < found.cpu_percent <= 50
        assert 0 < found.memory_kib <= 256 * 1024
        assert found.disk_sizes_mib == ((0, 64),)
    assert report.guests[0].cpu_percent != report.guests[1].cpu_percent
    assert report.used_memory_kib == sum(found.memory_kib for found in report.guests)


async def test_figures_follow_from_the_time_alone(
    context: Context, guest: Callable[..., Guest], monkeypatch: pytest.MonkeyPatch
) -> None:
    await DummyVmm(context()).deploy(guest(), "")
    driver = DummyIm(context())

    figures = []
    for now in (2e9, 2e9 + 30, 2e9):
        monkeypatch.setattr("time.time", lambda now=now: now)
        figures.append((await driver.probe(host())).guests[0])

    assert figures[0] == figures[2]
    assert figures[0].cpu_percent != figures[1].cpu_percent
    assert figures[0].net_rx_bytes < figures[1].net_rx_bytes


async def test_a_host_can_be_told_to_fail(context: Context, tmp_path: Path) -> None:
    write_control(tmp_path, {"im/PROBE": {"failure_rate": 1, "hosts": ["host02"], "message": "no route"}})
    driver = DummyIm(context())

    await driver.probe(host())
    with pytest.raises(DriverError, match="no route"):
        await driver.probe(host("host02"))
