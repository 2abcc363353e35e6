from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from opennebula_core.contracts.driver import DriverContext
from opennebula_core.contracts.vmm import Guest
from opennebula_core.testing.kvmlab.blueprint import GUEST_IMAGE
from opennebula_core.testing.kvmlab.context_iso import make_context_iso
from opennebula_core.testing.kvmlab.lab import Lab
from opennebula_vmm_kvm import KvmDriver

MAC = "02:00:0a:4d:00:65"
TEMPLATE = f"""
MEMORY = 128
CPU = 0.5
VCPU = 1
OS = [ MACHINE = "pc" ]
CPU_MODEL = [ MODEL = "host-passthrough" ]
DISK = [ DISK_ID = 0, TARGET = vda, DRIVER = qcow2 ]
NIC = [ NIC_ID = 0, BRIDGE = br0, MAC = "{MAC}" ]
CONTEXT = [ DISK_ID = 1, TARGET = hda ]
GRAPHICS = [ TYPE = vnc, LISTEN = "0.0.0.0", PASSWD = "a'b<c" ]
"""
MakeDriver = Callable[..., KvmDriver]


@pytest.fixture
def address(lab: Lab) -> str:
    """Return the address that the test's guest gives itself."""
    return lab.address("fe").rpartition(".")[0] + ".101"


@pytest.fixture
async def make_driver(front_end_network: Lab) -> AsyncIterator[MakeDriver]:
    """Return a maker of drivers that reach the lab's hosts; each is closed after the test."""
    made: list[KvmDriver] = []

    def make(**settings: str | int | bool) -> KvmDriver:
        reach = {"ssh_config": str(front_end_network.front_end_ssh_config)}
        made.append(KvmDriver(DriverContext("kvm", Path("/nonexistent"), {**reach, **settings})))
        return made[-1]

    yield make
    for driver in made:
        await driver.close()


@pytest.fixture
def driver(make_driver: MakeDriver) -> KvmDriver:
    return make_driver()


@pytest.fixture
def guest(make_guest: Callable[..., Guest], lab: Lab, address: str, tmp_path: Path) -> Guest:
    """Return a guest on host1 whose disk and context CD are on both hosts, as a TM driver leaves them."""
    guest = make_guest(TEMPLATE, name="web <1> & 'co'", deploy_id="one-7")
    iso = tmp_path / "context.iso"
    variables = {"ETH0_MAC": MAC, "ETH0_IP": address, "ETH0_MASK": "255.255.255.0", "VMID": "7"}
    make_context_iso(iso, variables)
    for host in lab.hosts:
        lab.exec(host, ["mkdir", "-p", guest.directory])
        disk = f"{guest.directory}/disk.0"
        lab.exec(host, ["qemu-img", "convert", "-O", "qcow2", GUEST_IMAGE, disk])
        lab.exec(host, ["sh", "-c", 'cat >"$0"', f"{guest.directory}/disk.1"], stdin=iso.read_bytes())
    return guest


@pytest.fixture
def boot(driver: KvmDriver, guest: Guest) -> Callable[[], Awaitable[Guest]]:
    """Return what describes and deploys the guest."""

    async def deploy() -> Guest:
        return replace(guest, deploy_id=await driver.deploy(guest, driver.describe(guest)))

    return deploy
