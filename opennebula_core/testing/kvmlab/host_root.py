"""A host's own root: the machine's, under an overlay, so that what a host writes stays its own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from opennebula_core.testing.kvmlab.blueprint import GUEST_IMAGE, Blueprint
from opennebula_core.testing.kvmlab.cgroups import TREE
from opennebula_core.testing.kvmlab.command import LabError, run, succeeds, write_file
from opennebula_core.testing.kvmlab.host_devices import make_devices
from opennebula_core.testing.kvmlab.host_files import write_files
from opennebula_core.testing.kvmlab.mounts import bind, bind_folder, make_read_only, mount

LOGS = "var/log/kvmlab"

EMPTY_FOLDERS = {
    "tmp": 0o1777,
    "var/tmp": 0o1777,
    "var/lib/libvirt": 0o755,
    "var/cache/libvirt": 0o755,
    "var/log/libvirt": 0o755,
    "var/lib/one": 0o755,
}
"""What begins empty on every host, on plain disk and not on the overlay -> its mode."""


def enter_root(blueprint: Blueprint, name: str) -> None:
    """Make the root of the host ``name`` and make it the calling process's.

    Needs a mount namespace of its own, whose changes go nowhere else.
    """
    root = blueprint.place(name, "root")
    _mount_overlay(blueprint, name, root)
    _mount_folders(blueprint, name, root)
    make_devices(root / "dev", with_kvm=blueprint.accelerator == "kvm")
    controllers = _mount_cgroups(root, blueprint.cgroups.get(name, ()))
    write_files(blueprint, name, root, controllers)
    for share in blueprint.shares:
        bind_folder(blueprint.shared_folder(share), root / share.strip("/"))
    if blueprint.image:
        at = root / GUEST_IMAGE.strip("/")
        write_file(at, "")
        bind(Path(blueprint.image), at)
        make_read_only(at)
    _pivot(root)


def _mount_overlay(blueprint: Blueprint, name: str, root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    try:
        _overlay(blueprint.place(name), root)
    except LabError:
        # the state is on a file system that cannot be an upper layer, such as another overlay: keep what
        # the host writes in memory
        memory = blueprint.place(name, "memory")
        memory.mkdir(exist_ok=True)
        mount("tmpfs", memory)
        _overlay(memory, root)


def _overlay(layers: Path, root: Path) -> None:
    for folder in ("upper", "work"):
        (layers / folder).mkdir(exist_ok=True)
    mount("overlay", root, f"lowerdir=/,upperdir={layers}/upper,workdir={layers}/work")


def _mount_folders(blueprint: Blueprint, name: str, root: Path) -> None:
    for folder, mode in EMPTY_FOLDERS.items():
        bind_folder(blueprint.place(name, "disk", folder.replace("/", "_")), root / folder, mode)
    bind_folder(blueprint.place(name, "log"), root / LOGS)
    mount("proc", root / "proc")
    mount("sysfs", root / "sys")
    mount("tmpfs", root / "run", "mode=755")
    for folder in ("lock", "sshd", "netns"):
        (root / "run" / folder).mkdir()
    shutil.rmtree(blueprint.place(name, "run"), ignore_errors=True)
    # on disk, so that the sockets can be reached from outside
    bind_folder(blueprint.place(name, "run"), root / "run/libvirt")


def _mount_cgroups(root: Path, controllers: tuple[str, ...]) -> list[str]:
    """Mount the host's view of its control groups and return which were to be had."""
    if not controllers:
        return []
    tree = root / TREE.relative_to("/")
    mount("tmpfs", tree, "mode=755")
    mounted = []
    for name in controllers:
        at = tree / name
        at.mkdir()
        if succeeds(["mount", "-t", "cgroup", "-o", name, "cgroup", str(at)]):
            mounted.append(name)
        else:
            at.rmdir()
    return mounted


def _pivot(root: Path) -> None:
    old = root / "mnt/.old"
    old.mkdir(parents=True, exist_ok=True)
    run(["pivot_root", str(root), str(old)])
    os.chdir("/")
    run(["umount", "-l", "/mnt/.old"])
