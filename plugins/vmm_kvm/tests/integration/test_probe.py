from __future__ import annotations

from datetime import timedelta

import pytest

from opennebula_core.remote import Remote, RemoteOptions
from opennebula_core.testing.kvmlab.lab import Lab
from opennebula_vmm_kvm.acceleration import Acceleration
from opennebula_vmm_kvm.boot_sector import BOOT_SECTOR
from opennebula_vmm_kvm.scripts import PROBE
from opennebula_vmm_kvm.virsh import Virsh

pytestmark = pytest.mark.integration


async def test_the_probe_reports_from_64_bit_mode_on_a_processor_that_works(front_end_network: Lab) -> None:
    # Emulation, which is slow, but does all that a processor does.
    emulated = PROBE.replace("<domain type='kvm'>", "<domain type='qemu'>")
    async with Remote(RemoteOptions(config_file=str(front_end_network.front_end_ssh_config))) as remote:
        virsh = Virsh(remote, "qemu:///system", timedelta(seconds=60))

        completed = await virsh.feed("host1", emulated, [], BOOT_SECTOR, lock="kvm-probe")

    assert (completed.stdout.strip(), completed.stderr) == ("crashed (panicked)", "")
    assert front_end_network.virsh("host1", "list", "--all", "--name") == ""
    assert front_end_network.exec("host1", ["find", "/var/tmp", "-name", "one-kvm-probe*"]) == ""


async def test_the_lab_and_the_driver_agree_on_kvm(front_end_network: Lab) -> None:
    async with Remote(RemoteOptions(config_file=str(front_end_network.front_end_ssh_config))) as remote:
        acceleration = Acceleration(Virsh(remote, "qemu:///system", timedelta(seconds=60)))

        assert await acceleration.has_kvm("host1") is (front_end_network.accelerator == "kvm")
