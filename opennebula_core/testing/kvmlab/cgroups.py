"""A control group per host, where this machine has cgroup v1 and lets us make groups."""

from __future__ import annotations

import os
import time
from pathlib import Path

TREE = Path("/sys/fs/cgroup")
CONTROLLERS = ("cpu", "cpuacct", "cpuset", "memory", "blkio", "devices", "freezer", "pids")
USED_BY_LIBVIRT = ("cpu", "devices", "memory", "blkio", "cpuset", "cpuacct")


def group_of(controller: str, tag: str, host: str) -> Path:
    """Return the folder of a host's group."""
    return TREE / controller / f"kvmlab-{tag}" / host


def make_groups(tag: str, host: str) -> tuple[str, ...]:
    """Make a host's groups and return the controllers that has worked for."""
    return tuple(name for name in CONTROLLERS if _is_usable(name) and _make(group_of(name, tag, host)))


def enter_groups(controllers: tuple[str, ...], tag: str, host: str) -> None:
    """Put the calling process into a host's groups."""
    for name in controllers:
        (group_of(name, tag, host) / "cgroup.procs").write_text("0")


def remove_groups(tag: str) -> None:
    """Remove a lab's groups, whose processes have ended."""
    for name in CONTROLLERS:
        for folder, _, _ in os.walk(TREE / name / f"kvmlab-{tag}", topdown=False):
            _remove(Path(folder))


def _is_usable(controller: str) -> bool:
    procs = TREE / controller / "cgroup.procs"
    return procs.exists() and os.access(procs.parent, os.W_OK)


def _make(group: Path) -> bool:
    try:
        group.mkdir(parents=True, exist_ok=True)
        if "cpuset" in group.parts:
            # a new cpuset is empty, and nothing may enter an empty one
            for folder in (group.parent, group):
                for name in ("cpuset.cpus", "cpuset.mems"):
                    (folder / name).write_text((folder.parent / name).read_text())
    except OSError:
        return False
    return True


def _remove(group: Path) -> None:
    deadline = time.monotonic() + 1
    while group.exists() and time.monotonic() < deadline:
        try:
            group.rmdir()
        except OSError:
            # busy: the kernel takes a moment to see that the last process has left
            time.sleep(0.02)
