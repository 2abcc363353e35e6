"""The Debian packages that the lab, and a host of the cloud on this machine, need."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from opennebula_core.testing.kvmlab.command import attempt, locked, run, write_file

HYPERVISOR = (
    "qemu-system-x86",
    "qemu-utils",
    "libvirt-daemon",
    "libvirt-daemon-system",
    "libvirt-daemon-driver-qemu",
    "libvirt-clients",
)
"""What makes a machine a KVM host."""

GUEST_IMAGE = (
    "busybox-static",
    "syslinux",
    "syslinux-common",
    "mtools",
    "fdisk",
    "e2fsprogs",
    "cpio",
    "zstd",
    "xorriso",
)
"""What building the small guest image and context CDs takes."""

NETWORK = ("iproute2", "iputils-ping", "nftables", "iptables", "ebtables", "dnsmasq-base")

LAB = (
    *HYPERVISOR,
    *GUEST_IMAGE,
    *NETWORK,
    "openssh-server",
    "openssh-client",
    "util-linux",
    "rsync",
    "socat",
    "sudo",
    "netcat-openbsd",
)
"""What the lab needs in all."""

OPEN_VSWITCH = ("openvswitch-switch",)

APT_LOCK = Path("/run/lock/kvmlab-apt")

POLICY = Path("/usr/sbin/policy-rc.d")


def can_install() -> bool:
    """Tell whether this process may install packages here: root on a Debian."""
    return os.geteuid() == 0 and Path("/etc/debian_version").exists()


def missing(packages: Iterable[str]) -> list[str]:
    """Return those of the packages that are not installed."""
    return [name for name in packages if not _is_installed(name)]


def install(packages: Iterable[str]) -> list[str]:
    """Install what is missing, starting no service, and return what that was.

    :raises LabError: apt failed
    """
    wanted = missing(packages)
    if wanted:
        environment = {"DEBIAN_FRONTEND": "noninteractive"}
        # apt itself waits for others only when it unpacks, not when it updates its lists
        apt = ["apt-get", "-o", "DPkg::Lock::Timeout=300"]
        with locked(APT_LOCK), _no_service_starts():
            run([*apt, "update"], environment=environment)
            run([*apt, "install", "-y", "--no-install-recommends", *wanted], environment=environment)
    return wanted


def _is_installed(name: str) -> bool:
    query = attempt(["dpkg-query", "-W", "-f", "${Status}", name])
    return query.stdout == b"install ok installed"


@contextmanager
def _no_service_starts() -> Iterator[None]:
    """Answer 101 (not allowed) whenever a package's script wants to start its service."""
    if POLICY.exists():
        yield
        return
    write_file(POLICY, "#!/bin/sh\nexit 101\n", 0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)
