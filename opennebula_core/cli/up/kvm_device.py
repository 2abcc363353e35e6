"""``/dev/kvm`` as Debian's own rule would make it: usable by the group ``kvm``, in which guests run.

On a machine without udev it may be for root alone. Then libvirt, which is root, and QEMU, which is not, never
agree whether there is KVM, and libvirt examines QEMU anew, for half a minute, at every guest.
Source: Debian, 50-udev-default.rules, ``KERNEL=="kvm", GROUP="kvm", MODE="0660"``.
"""

from __future__ import annotations

import grp
import os
import stat
from pathlib import Path
from typing import Final

from opennebula_core.cli.up.record import Record
from opennebula_core.config.location import Location

DEVICE: Final = Path("/dev/kvm")
GROUP: Final = "kvm"
MODE: Final = 0o660


def share(location: Location, record: Record) -> None:
    """Let the group use the device if it cannot yet, and record how it was."""
    try:
        found, group_id = DEVICE.stat(), grp.getgrnam(GROUP).gr_gid
    except (FileNotFoundError, KeyError):
        return
    mode = stat.S_IMODE(found.st_mode)
    if mode & stat.S_IWOTH or (found.st_gid == group_id and mode & stat.S_IWGRP):
        return
    record.kvm_device = [mode, found.st_gid]
    record.save(location)
    os.chown(DEVICE, -1, group_id)
    DEVICE.chmod(MODE)


def restore(location: Location, record: Record) -> None:
    """Put the device back as :func:`share` found it."""
    if record.kvm_device and DEVICE.exists():
        mode, group_id = record.kvm_device
        DEVICE.chmod(mode)
        os.chown(DEVICE, -1, group_id)
    record.kvm_device = []
    record.save(location)
