"""A host's ``/dev``: no more than a virtualisation host's services open."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from opennebula_core.testing.kvmlab.mounts import mount

CHARACTER_DEVICES = {
    "null": (1, 3),
    "zero": (1, 5),
    "full": (1, 7),
    "random": (1, 8),
    "urandom": (1, 9),
    "tty": (5, 0),
}
"""Name -> (major, minor). Source: Linux admin-guide/devices.txt."""

TAKEN_FROM_MACHINE = ("net/tun", "loop-control", "fuse", *(f"loop{number}" for number in range(8)))

LINKS = {
    "ptmx": "pts/ptmx",
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
}


def make_devices(folder: Path, *, with_kvm: bool) -> None:
    """Mount and fill a ``/dev``.

    :param with_kvm: false also where ``/dev/kvm`` is there but runs no guest, or libvirt would offer it
    """
    mount("tmpfs", folder, "mode=755")
    for name, (major, minor) in CHARACTER_DEVICES.items():
        os.mknod(folder / name, stat.S_IFCHR | 0o666, os.makedev(major, minor))
        # mknod takes the umask off
        (folder / name).chmod(0o666)
    for name in (*TAKEN_FROM_MACHINE, *(["kvm"] if with_kvm else [])):
        device = Path("/dev", name)
        if device.exists():
            status = device.stat()
            (folder / name).parent.mkdir(exist_ok=True)
            os.mknod(folder / name, status.st_mode, status.st_rdev)
            (folder / name).chmod(stat.S_IMODE(status.st_mode))
            os.chown(folder / name, status.st_uid, status.st_gid)
    for name in ("pts", "shm"):
        (folder / name).mkdir()
    mount("devpts", folder / "pts", "newinstance,ptmxmode=666,mode=620,gid=5")
    mount("tmpfs", folder / "shm", "mode=1777")
    for name, target in LINKS.items():
        (folder / name).symlink_to(target)
