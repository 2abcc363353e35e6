"""What the end-to-end tests build on: hosts, an image, a network and a template in a cloud of the lab."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from opennebula_core.model.states import ImageState
from opennebula_core.testing.cloud_in_lab import CloudInLab
from opennebula_core.testing.kvmlab import Lab
from opennebula_core.testing.kvmlab.guest_access import guest_status, wait_for_guest
from opennebula_core.testing.kvmlab.lab import wait_until

IMAGE_LIMIT = timedelta(seconds=60)
FIRST_ADDRESS = "10.77.0.100"
TEMPLATE = """NAME = "guest"
CPU = 0.1
VCPU = 1
MEMORY = 128
OS = [ ARCH = "x86_64" ]
DISK = [ IMAGE_ID = {image_id} ]
NIC = [ NETWORK_ID = {network_id} ]
CONTEXT = [ NETWORK = "YES", SET_HOSTNAME = "$NAME" ]
"""


@dataclass(frozen=True, slots=True)
class Estate:
    """A cloud with what it takes to make guests."""

    cloud: CloudInLab
    host_ids: list[int]
    image_id: int
    network_id: int
    template_id: int

    @property
    def lab(self) -> Lab:
        """The lab that the cloud runs in."""
        return self.cloud.lab

    def instantiate(self, name: str, *, extra: str = "", hold: bool = False) -> int:
        """Make a VM and return its id."""
        return int(self.cloud.call("one.template.instantiate", self.template_id, name, hold, extra, False))

    def action(self, name: str, vm_id: int) -> None:
        """Carry out an action on a VM."""
        self.cloud.call("one.vm.action", name, vm_id)

    def address(self, vm_id: int) -> str:
        """Return the address that a VM was leased."""
        return self.cloud.document("one.vm.info", vm_id).findtext("TEMPLATE/NIC/IP", "")

    def host_of(self, vm_id: int) -> str:
        """Return the name of the host that a VM is on."""
        records = self.cloud.document("one.vm.info", vm_id).findall("HISTORY_RECORDS/HISTORY")
        return records[-1].findtext("HOSTNAME", "")

    def other_host(self, vm_id: int) -> tuple[int, str]:
        """Return id and name of the host that a VM is not on."""
        here = self.host_of(vm_id)
        names = list(self.lab.hosts)
        there = next(name for name in names if name != here)
        return self.host_ids[names.index(there)], there

    def wait_for_answer(self, vm_id: int) -> dict[str, str]:
        """Wait until the guest answers at its leased address, and return what it says of itself."""
        return wait_for_guest(self.lab, self.address(vm_id))

    def status(self, vm_id: int) -> dict[str, str]:
        """Return what the guest says of itself now."""
        return guest_status(self.lab, self.address(vm_id))

    def domains(self) -> dict[str, list[str]]:
        """Return the names of all domains by host."""
        return {host: self.lab.virsh(host, "list", "--all", "--name").split() for host in self.lab.hosts}

    def disks(self) -> dict[str, list[str]]:
        """Return the files of VMs by host."""
        find = ["find", "/var/lib/one/datastores", "-type", "f"]
        return {host: self.lab.try_exec(host, find).stdout.decode().split() for host in self.lab.hosts}

    def nothing_is_left(self) -> bool:
        """Return whether no domain, no disk, no lease and no use of the image is left."""
        network = self.cloud.document("one.vn.info", self.network_id)
        image = self.cloud.document("one.image.info", self.image_id)
        return (
            not any(self.domains().values())
            and not any(self.disks().values())
            and network.findtext("USED_LEASES") == "0"
            and image.findtext("RUNNING_VMS") == "0"
        )


def build_estate(cloud: CloudInLab, guest_image: Path, folder: Path) -> Estate:
    """Register hosts, an image, a network and a template."""
    path = folder / "guest.qcow2"
    shutil.copy(guest_image, path)
    image_id = int(cloud.call("one.image.allocate", f'NAME="guest"\nPATH="{path}"\nDEV_PREFIX="vd"\n', 1))
    network_id = int(
        cloud.call(
            "one.vn.allocate",
            f'NAME="lab"\nVN_MAD="bridge"\nBRIDGE="br0"\nNETWORK_MASK="255.255.255.0"\nDNS="10.77.0.254"\n'
            f'GATEWAY="10.77.0.254"\nAR=[TYPE="IP4", IP="{FIRST_ADDRESS}", SIZE="50"]\n',
            -1,
        )
    )
    template = TEMPLATE.format(image_id=image_id, network_id=network_id)
    template_id = int(cloud.call("one.template.allocate", template))
    host_ids = cloud.add_hosts()
    wait_until(lambda: image_ready(cloud, image_id), "the image to be READY", IMAGE_LIMIT)
    return Estate(cloud, host_ids, image_id, network_id, template_id)


def image_ready(cloud: CloudInLab, image_id: int) -> bool:
    """Return whether an image is READY."""
    state = cloud.document("one.image.info", image_id).findtext("STATE", "0")
    return ImageState(int(state)) is ImageState.READY


def uptime_s(status: dict[str, str]) -> float:
    """Return how long a guest has been up, as it says itself."""
    return float(status["uptime"].split()[0])
