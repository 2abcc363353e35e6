"""The guest's kernel: Debian's cloud kernel, downloaded and unpacked, never installed."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from opennebula_core.testing.kvmlab.command import LabError, locked, run
from opennebula_core.testing.kvmlab.settings import LabSettings

META_PACKAGE = "linux-image-cloud-amd64"

MODULES = (
    "virtio_pci",
    "virtio_net",
    "virtio_blk",
    "virtio_scsi",
    "virtio_console",
    "virtio_balloon",
    "virtio-rng",
    "ata_piix",
    "sr_mod",
    "sd_mod",
    "isofs",
    "button",
    "evdev",
    "acpiphp",
)
"""What the guest loads, besides what these depend on."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """An unpacked kernel package.

    :param image: the bzImage
    :param modules: (name, file) of the modules to load, in an order in which they can be
    """

    image: Path
    modules: tuple[tuple[str, Path], ...]


def unpacked_kernel(settings: LabSettings) -> Kernel:
    """Return the kernel from the cache, downloaded there first when it is not.

    :raises LabError: apt knows no such package, or cannot fetch it
    """
    tree = settings.made_cache() / "kernel"
    with locked(settings.cache / "kernel.lock"):
        if not (tree / "boot").is_dir():
            _download(tree)
    images = sorted((tree / "boot").glob("vmlinuz*"))
    if not images:
        raise LabError(f"guest kernel: no vmlinuz in {tree}; remove that folder and try again")
    return Kernel(images[0], tuple(in_loading_order(tree, MODULES)))


def _download(tree: Path) -> None:
    package = _package_name()
    with tempfile.TemporaryDirectory(dir=tree.parent) as folder:
        run(["apt-get", "download", package], directory=Path(folder))
        archive = next(Path(folder).glob("*.deb"))
        run(["dpkg", "-x", str(archive), "unpacked"], directory=Path(folder))
        shutil.rmtree(tree, ignore_errors=True)
        (Path(folder) / "unpacked").rename(tree)


def _package_name() -> str:
    for refresh in (False, True):
        if refresh:
            run(["apt-get", "update"])
        found = re.search(r"Depends: (linux-image-\S+)", run(["apt-cache", "depends", META_PACKAGE]))
        if found:
            return found.group(1)
    raise LabError(f"guest kernel: apt knows no {META_PACKAGE}; check /etc/apt/sources.list")


def in_loading_order(tree: Path, names: Iterable[str]) -> list[tuple[str, Path]]:
    """Return modules of an unpacked kernel, each after those that it depends on; (name, file)."""
    files = {_canonical(path.stem): path for path in (tree / "lib" / "modules").rglob("*.ko")}
    order: dict[str, Path] = {}

    def add(name: str) -> None:
        name = _canonical(name)
        # what is not there is built in
        if name in order or name not in files:
            return
        for dependency in _dependencies(files[name]):
            add(dependency)
        order[name] = files[name]

    for name in names:
        add(name)
    return list(order.items())


def _dependencies(module: Path) -> list[str]:
    found = re.search(rb"\0depends=([^\0]*)\0", module.read_bytes())
    return [name for name in found.group(1).decode().split(",") if name] if found else []


def _canonical(name: str) -> str:
    return name.replace("-", "_")
