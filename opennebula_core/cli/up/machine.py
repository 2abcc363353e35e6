"""Whether this machine can run real guests, and what it takes."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import click

from opennebula_core.cli.up import bridge, kvm_device, libvirt
from opennebula_core.cli.up.programs import ROOT_PATH, MachineError, run
from opennebula_core.cli.up.record import Record
from opennebula_core.config.location import Location

INSTALL_LIMIT_S: Final = 1800.0
IMAGE_LIMIT_S: Final = 600.0
PROGRAMS: Final = (
    "qemu-system-x86_64", "qemu-img", "libvirtd", "virsh", "xorriso", "ip", "mformat", "syslinux",
)  # fmt: skip
DRIVERS: Final = tuple(
    f"opennebula_{name}" for name in ("vmm_kvm", "im_ssh", "tm_ssh", "vnm_bridge", "datastore_fs")
)
_LAB: Final = (sys.executable, "-m", "opennebula_core.testing.kvmlab")
"""The machine room of the tests knows how such a machine and its small guest are made."""


def why_not() -> str:
    """Return why no real guest can run here; empty when one can."""
    if os.geteuid() != 0:
        return "you are not root"
    if not Path("/etc/debian_version").exists():
        return "this is not Debian"
    if platform.machine() != "x86_64":
        return f"the small guest is for x86_64, and this is {platform.machine()}"
    absent = [name for name in DRIVERS if find_spec(name) is None]
    if absent:
        return f"not installed: {', '.join(name.replace('_', '-') for name in absent)}"
    return ""


def prepare(location: Location, record: Record) -> None:
    """Install what is missing, and have libvirt run; what is there is left as it is.

    :raises MachineError: something cannot be had
    """
    absent = [name for name in PROGRAMS if shutil.which(name, path=ROOT_PATH) is None]
    if absent:
        click.echo("Installing QEMU and libvirt, which takes a minute or two ...")
        run([*_LAB, "install", "--hypervisor-only"], INSTALL_LIMIT_S)
    kvm_device.share(location, record)
    libvirt.start(location, record)


def guest_image() -> Path:
    """Return the small guest's disk, built if it is not there yet.

    :raises MachineError: it cannot be built
    """
    click.echo("Building the small guest image ...")
    image = Path(run([*_LAB, "guest-image"], IMAGE_LIMIT_S).strip())
    if not image.is_file():
        raise MachineError(f"no guest image at {str(image)!r}")
    return image


def leave(location: Location, record: Record) -> None:
    """Put the machine back as it was: bridges, libvirt, the KVM device; no guest runs any more.

    :raises MachineError: something does not go
    """
    bridge.remove(location, record)
    libvirt.stop(location, record)
    kvm_device.restore(location, record)
