from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest

from opennebula_core.contracts.driver import DriverContext
from opennebula_core.contracts.im import GuestReport, HostReport, MonitoredHost
from opennebula_core.contracts.vmm import GuestState
from opennebula_core.errors import DriverError
from opennebula_core.testing.kvmlab import Lab
from opennebula_core.testing.kvmlab.blueprint import GUEST_IMAGE
from opennebula_core.testing.kvmlab.domain import GuestDomain, domain_xml
from opennebula_core.testing.kvmlab.host_files import USER
from opennebula_im_ssh import KvmMonitorDriver

pytestmark = pytest.mark.integration

Settings = dict[str, str | int | float | bool]
FOLDER = "/var/lib/one/datastores/0/7"
TIMEOUT_S = 8


def host(name: str) -> MonitoredHost:
    return MonitoredHost(0, name, Element("HOST"))


def start_guest(lab: Lab, name: str, folder: str) -> None:
    lab.exec("host1", ["mkdir", "-p", folder])
    disk = ["-f", "qcow2", "-F", "qcow2", "-b", GUEST_IMAGE, f"{folder}/disk.0"]
    lab.exec("host1", ["qemu-img", "create", "-q", *disk])
    domain = GuestDomain(name, f"{folder}/disk.0", lab.accelerator, nics=["02:00:0a:4d:00:65"])
    lab.exec(
        "host1", ["virsh", "-c", "qemu:///system", "create", "/dev/stdin"], stdin=domain_xml(domain).encode()
    )


def only_guest(report: HostReport) -> GuestReport:
    (guest,) = report.guests
    return guest


@pytest.fixture
async def driver(front_end_network: Lab, tmp_path: Path) -> AsyncIterator[KvmMonitorDriver]:
    settings: Settings = {"ssh_config": str(front_end_network.front_end_ssh_config), "timeout_s": TIMEOUT_S}
    driver = KvmMonitorDriver(DriverContext("kvm", tmp_path, settings))
    yield driver
    await driver.close()


async def test_a_host_without_guests_tells_what_it_is(driver: KvmMonitorDriver) -> None:
    report = await driver.probe(host("host1"))
    attributes = dict(report.attributes)
    assert report.guests == ()
    assert report.complete
    assert attributes["HOSTNAME"] == "host1"
    assert attributes["HYPERVISOR"] == "kvm"
    assert "pc" in attributes["KVM_MACHINES"].split()
    assert report.total_cpu_percent >= 100
    assert 0 < report.used_memory_kib < report.total_memory_kib
    assert 0 < report.disk_free_mib <= report.disk_total_mib
    assert report.net_rx_bytes > 0


async def test_a_real_guest_has_real_figures(driver: KvmMonitorDriver, lab: Lab) -> None:
    start_guest(lab, "one-7", FOLDER)
    first = only_guest(await driver.probe(host("host1")))
    assert (first.vm_id, first.deploy_id, first.state) == (7, "one-7", GuestState.RUNNING)
    deadline = time.monotonic() + 30
    while (guest := only_guest(await driver.probe(host("host1")))).disk_read_bytes < 1_000_000:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.2)
    # it boots: busy, with its kernel read from disk
    assert guest.cpu_percent > 5
    assert guest.memory_kib > 16 * 1024
    assert [disk_id for disk_id, _ in guest.disk_sizes_mib] == [0]


async def test_each_system_datastore_has_its_room(driver: KvmMonitorDriver, lab: Lab) -> None:
    lab.exec("host1", ["mkdir", "-p", "/var/lib/one/datastores/0", "/var/lib/one/datastores/104"])
    lab.exec("host1", ["mkdir", "-p", "/var/lib/one/datastores/.hidden", "/var/lib/one/datastores/not 5"])
    report = await driver.probe(host("host1"))
    assert [datastore.datastore_id for datastore in report.datastores] == [0, 104]
    assert all(datastore.total_mib > 0 for datastore in report.datastores)


async def test_a_paused_guest_is_suspended_and_a_wild_one_is_told_apart(
    driver: KvmMonitorDriver, lab: Lab
) -> None:
    start_guest(lab, 'it\'s $(wild) & "quoted"', "/var/lib/one/wild")
    lab.virsh("host1", "suspend", 'it\'s $(wild) & "quoted"')
    guest = only_guest(await driver.probe(host("host1")))
    assert (guest.vm_id, guest.deploy_id) == (-1, 'it\'s $(wild) & "quoted"')
    assert guest.state is GuestState.SUSPENDED


async def test_a_guest_that_was_killed_is_no_longer_reported(driver: KvmMonitorDriver, lab: Lab) -> None:
    start_guest(lab, "one-7", FOLDER)
    assert (await driver.probe(host("host1"))).guests
    assert lab.faults.kill("host1", "qemu-system-x86_64") == 1
    deadline = time.monotonic() + 10
    while (await driver.probe(host("host1"))).guests:
        assert time.monotonic() < deadline


async def test_what_changes_rarely_is_asked_for_rarely_and_always_told(
    driver: KvmMonitorDriver, lab: Lab
) -> None:
    first = await driver.probe(host("host1"))
    lab.exec("host1", ["hostname", "renamed"])
    second = await driver.probe(host("host1"))
    lab.exec("host1", ["hostname", "host1"])
    assert second.attributes == first.attributes


async def test_a_host_that_hangs_fails_in_time_and_holds_nobody_up(
    driver: KvmMonitorDriver, lab: Lab
) -> None:
    for name in lab.hosts:
        await driver.probe(host(name))
    lab.hang_ssh("host1")
    start = time.monotonic()
    hanging = asyncio.create_task(driver.probe(host("host1")))
    for _ in range(3):
        assert dict((await driver.probe(host("host2"))).attributes)["HOSTNAME"] == "host2"
    assert not hanging.done()
    with pytest.raises(DriverError, match=r"monitor host 'host1': .*within 8 s"):
        await hanging
    assert time.monotonic() - start < TIMEOUT_S + 2
    lab.resume_ssh("host1")
    assert (await driver.probe(host("host1"))).total_cpu_percent > 0


async def test_a_host_that_is_off_the_network_fails_in_time(driver: KvmMonitorDriver, lab: Lab) -> None:
    lab.faults.cut_cables("host1")
    start = time.monotonic()
    with pytest.raises(DriverError, match="monitor host 'host1'"):
        await driver.probe(host("host1"))
    assert time.monotonic() - start < TIMEOUT_S + 2


async def test_a_host_without_libvirt_is_an_error_that_says_so(driver: KvmMonitorDriver, lab: Lab) -> None:
    lab.faults.kill("host1", "libvirtd")
    with pytest.raises(
        DriverError, match=r"^monitor host 'host1': failed to connect to the hypervisor; .*/libvirt-sock.*"
    ):
        await driver.probe(host("host1"))
    lab.start_libvirt("host1")
    assert (await driver.probe(host("host1"))).complete


async def test_a_libvirt_that_is_just_being_restarted_is_waited_for(
    driver: KvmMonitorDriver, lab: Lab
) -> None:
    await driver.probe(host("host1"))
    lab.faults.kill("host1", "libvirtd")
    probe = asyncio.create_task(driver.probe(host("host1")))
    # the first attempt of three has failed by then
    await asyncio.sleep(0.5)
    await asyncio.to_thread(lab.start_libvirt, "host1")
    assert (await probe).complete


async def test_a_user_who_is_not_root_but_may_use_libvirt_is_enough(
    front_end_network: Lab, tmp_path: Path
) -> None:
    start_guest(front_end_network, "one-7", FOLDER)
    settings: Settings = {"ssh_config": str(front_end_network.front_end_ssh_config), "ssh_user": USER}
    driver = KvmMonitorDriver(DriverContext("kvm", tmp_path, settings))
    report = await driver.probe(host("host1"))
    await driver.close()
    assert only_guest(report).vm_id == 7
    assert "pc" in dict(report.attributes)["KVM_MACHINES"].split()


async def test_an_unknown_host_is_an_error(driver: KvmMonitorDriver) -> None:
    with pytest.raises(DriverError, match="monitor host 'host77'"):
        await driver.probe(host("host77"))


async def test_this_very_machine_is_looked_at_without_ssh(lab: Lab, tmp_path: Path) -> None:
    start_guest(lab, "one-7", FOLDER)
    socket = lab.blueprint.place("host1", "run", "libvirt-sock")
    settings: Settings = {
        "libvirt_uri": f"qemu:///system?socket={socket}",
        "local_hosts": "this-machine",
        "ssh_config": "/nonexistent",
    }
    not_there_yet = str(tmp_path / "not/there/yet")
    driver = KvmMonitorDriver(DriverContext("kvm", tmp_path, settings, not_there_yet))
    report = await driver.probe(host("this-machine"))
    await driver.close()
    assert only_guest(report).vm_id == 7
    assert report.disk_total_mib > 0
