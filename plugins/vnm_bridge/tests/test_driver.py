from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest

from opennebula_core.contracts.driver import DriverContext
from opennebula_core.contracts.vmm import Guest
from opennebula_core.errors import DriverError
from opennebula_core.model.template import Template, Vector
from opennebula_core.testing.kvmlab.lab import Lab
from opennebula_vnm_bridge import BridgeDriver

MakeDriver = Callable[..., BridgeDriver]


@pytest.fixture
def guest() -> Guest:
    nothing = Element("NOTHING")
    return Guest(
        vm_id=7,
        name="web",
        host="host1",
        deploy_id="one-7",
        directory="/var/lib/one/datastores/0/7",
        template=Template(),
        user_template=Template(),
        document=nothing,
        datastore=nothing,
    )


def nic(bridge: str, device: str = "") -> Vector:
    return Vector({"NIC_ID": "0", "NETWORK_ID": "3", "BRIDGE": bridge, "PHYDEV": device})


@pytest.mark.parametrize("name", ["", "-x", "..", "a/b", "a b", "br0;reboot", "$(reboot)", "a" * 16, "br0\n"])
async def test_a_bridge_that_is_no_interface_name_is_refused(guest: Guest, name: str) -> None:
    driver = BridgeDriver(DriverContext("bridge", Path("/")))

    with pytest.raises(DriverError, match="is no name of an interface; correct it in network 3"):
        await driver.pre(guest, [nic(name)])


async def test_a_physical_device_that_is_no_interface_name_is_refused(guest: Guest) -> None:
    driver = BridgeDriver(DriverContext("bridge", Path("/")))

    with pytest.raises(DriverError, match="PHYDEV 'eth0 down'"):
        await driver.pre(guest, [nic("br0", "eth0 down")])


@pytest.fixture
async def make_driver(front_end_network: Lab) -> AsyncIterator[MakeDriver]:
    """Return a maker of drivers that reach the lab's hosts; bridges of the tests are removed afterwards."""
    made: list[BridgeDriver] = []

    def make(**settings: str | bool) -> BridgeDriver:
        reach = {"ssh_config": str(front_end_network.front_end_ssh_config)}
        made.append(BridgeDriver(DriverContext("bridge", Path("/"), {**reach, **settings})))
        return made[-1]

    yield make
    for driver in made:
        await driver.close()
    for name in interfaces(front_end_network, "test"):
        front_end_network.exec("host1", ["ip", "link", "del", name])


@pytest.fixture
def driver(make_driver: MakeDriver) -> BridgeDriver:
    return make_driver()


def interfaces(lab: Lab, begin: str) -> list[str]:
    """Return the names of host1's interfaces that begin so."""
    return [name for name in lab.exec("host1", ["ls", "/sys/class/net"]).split() if name.startswith(begin)]


def add_tap(lab: Lab, name: str) -> None:
    """Add an interface such as a guest's; not every kernel has dummy ones."""
    lab.exec("host1", ["ip", "tuntap", "add", "dev", name, "mode", "tap"])


@pytest.mark.integration
async def test_a_bridge_is_made_once_and_goes_with_its_last_guest(
    driver: BridgeDriver, guest: Guest, lab: Lab
) -> None:
    await driver.pre(guest, [nic("test0"), nic("test0")])
    await driver.pre(guest, [nic("test0")])
    assert "<BROADCAST,MULTICAST,UP" in lab.exec("host1", ["ip", "link", "show", "dev", "test0"])
    add_tap(lab, "test1")
    lab.exec("host1", ["ip", "link", "set", "test1", "master", "test0"])

    await driver.clean(guest, [nic("test0")])
    assert interfaces(lab, "test") == ["test0", "test1"]

    lab.exec("host1", ["ip", "link", "del", "test1"])
    await driver.clean(guest, [nic("test0")])
    await driver.clean(guest, [nic("test0")])
    assert interfaces(lab, "test") == []


@pytest.mark.integration
async def test_a_bridge_that_others_made_stays(driver: BridgeDriver, guest: Guest, lab: Lab) -> None:
    lab.exec("host1", ["ip", "link", "add", "test0", "type", "bridge"])

    await driver.pre(guest, [nic("test0")])
    await driver.clean(guest, [nic("test0")])

    assert interfaces(lab, "test") == ["test0"]


@pytest.mark.integration
async def test_a_bridge_in_which_the_host_has_an_address_stays(
    driver: BridgeDriver, guest: Guest, lab: Lab
) -> None:
    await driver.pre(guest, [nic("test0")])
    lab.exec("host1", ["ip", "address", "add", "192.0.2.1/24", "dev", "test0"])

    await driver.clean(guest, [nic("test0")])

    assert interfaces(lab, "test") == ["test0"]


@pytest.mark.integration
async def test_empty_bridges_stay_where_the_setting_says_so(
    make_driver: MakeDriver, guest: Guest, lab: Lab
) -> None:
    driver = make_driver(keep_empty_bridge=True)

    await driver.pre(guest, [nic("test0")])
    await driver.clean(guest, [nic("test0")])

    assert interfaces(lab, "test") == ["test0"]


@pytest.mark.integration
async def test_a_physical_interface_is_plugged_in_and_does_not_keep_the_bridge(
    driver: BridgeDriver, guest: Guest, lab: Lab
) -> None:
    add_tap(lab, "test9")

    await driver.pre(guest, [nic("test0", "test9")])
    await driver.pre(guest, [nic("test0", "test9")])
    assert lab.exec("host1", ["ls", "/sys/class/net/test0/brif"]).split() == ["test9"]
    with pytest.raises(DriverError, match="test9 is in test0 already"):
        await driver.pre(guest, [nic("test1", "test9")])

    await driver.clean(guest, [nic("test0", "test9")])
    assert "test0" not in interfaces(lab, "test")


@pytest.mark.integration
@pytest.mark.parametrize(
    ("bridge", "device", "message"),
    [
        ("eth1", "", "eth1 is there and is no bridge"),
        ("test0", "nosuch0", "the host has no interface nosuch0"),
    ],
)
async def test_what_cannot_be_made_is_an_error(
    driver: BridgeDriver, guest: Guest, bridge: str, device: str, message: str
) -> None:
    with pytest.raises(DriverError, match=message):
        await driver.pre(guest, [nic(bridge, device)])


@pytest.mark.integration
async def test_guests_that_come_and_go_at_once_do_not_disturb_one_another(
    driver: BridgeDriver, guest: Guest, lab: Lab
) -> None:
    async def come_and_go() -> None:
        await driver.pre(guest, [nic("test0")])
        await driver.clean(guest, [nic("test0")])

    await asyncio.gather(*(come_and_go() for _ in range(12)))

    assert interfaces(lab, "test") == []


@pytest.mark.integration
async def test_bridges_that_an_administrator_made_need_no_rights(
    make_driver: MakeDriver, guest: Guest, lab: Lab
) -> None:
    driver = make_driver(ssh_user="oneadmin", sudo=False)

    await driver.pre(guest, [nic("br0", "eth0")])
    await driver.clean(guest, [nic("br0", "eth0")])

    assert lab.exec("host1", ["ls", "/sys/class/net/br0/brif"]).split() == ["eth0"]


@pytest.mark.integration
async def test_a_user_without_the_right_is_told_so(make_driver: MakeDriver, guest: Guest) -> None:
    with pytest.raises(DriverError, match=r"bridge 'test0' on 'host1': .*not permitted"):
        await make_driver(ssh_user="oneadmin", sudo=False).pre(guest, [nic("test0")])
