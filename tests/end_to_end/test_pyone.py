"""pyone from PyPI, unmodified, runs a VM's whole life."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pyone
import pytest

from opennebula_core.model.states import HostState, ImageState, LcmState, VmState
from opennebula_core.testing.cloud_in_lab import CloudInLab
from opennebula_core.testing.kvmlab.guest_access import wait_for_guest
from opennebula_core.testing.kvmlab.lab import wait_until

pytestmark = pytest.mark.integration

LIMIT = timedelta(seconds=120)
ADDRESS = "10.77.0.120"


def test_pyone_makes_everything_and_runs_a_vm(cloud: CloudInLab, guest_image: Path, tmp_path: Path) -> None:
    shutil.copy(guest_image, tmp_path / "guest.qcow2")
    one = pyone.OneServer(cloud.endpoint, session=cloud.session)

    host_id = one.host.allocate("host1", "kvm", "kvm", -1)
    network_id = one.vn.allocate(
        {
            "VNET": {
                "NAME": "lab",
                "VN_MAD": "bridge",
                "BRIDGE": "br0",
                "NETWORK_MASK": "255.255.255.0",
                "AR": {"TYPE": "IP4", "IP": ADDRESS, "SIZE": "4"},
            }
        },
        -1,
    )
    image_id = one.image.allocate({"NAME": "guest", "PATH": str(tmp_path / "guest.qcow2")}, 1)
    template_id = one.template.allocate(
        {
            "TEMPLATE": {
                "NAME": "guest",
                "CPU": "0.1",
                "MEMORY": "128",
                "DISK": {"IMAGE_ID": str(image_id)},
                "NIC": {"NETWORK_ID": str(network_id)},
                "CONTEXT": {"NETWORK": "YES"},
            }
        }
    )
    wait_until(lambda: one.host.info(host_id).STATE == HostState.MONITORED, "the host to be monitored", LIMIT)
    wait_until(lambda: one.image.info(image_id).STATE == ImageState.READY, "the image to be ready", LIMIT)

    vm_id = one.template.instantiate(template_id, "from-pyone", False, "", False)
    wait_until(lambda: one.vm.info(vm_id).LCM_STATE == LcmState.RUNNING, "the VM to run", LIMIT)
    assert one.vm.info(vm_id).TEMPLATE["NIC"]["IP"] == ADDRESS
    assert wait_for_guest(cloud.lab, ADDRESS)["boots"] == "1"

    one.vm.action("terminate", vm_id)
    wait_until(lambda: one.vm.info(vm_id).STATE == VmState.DONE, "the VM to be done", LIMIT)
    assert one.vn.info(network_id).USED_LEASES == 0
    assert one.host.info(host_id).HOST_SHARE.RUNNING_VMS == 0
