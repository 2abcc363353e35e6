from __future__ import annotations

import gzip
import subprocess
from pathlib import Path

import pytest

from opennebula_core.testing.kvmlab.initrd import SCRIPTS, build_initrd, guest_scripts
from opennebula_core.testing.kvmlab.kernel import Kernel, in_loading_order

pytestmark = pytest.mark.integration


def module(path: Path, *depends: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"ELF\0depends=" + ",".join(depends).encode() + b"\0name=x\0")


def test_modules_are_loaded_after_those_they_depend_on(tmp_path: Path) -> None:
    folder = tmp_path / "lib/modules/6.1"
    module(folder / "net/virtio_net.ko", "virtio-ring", "virtio")
    module(folder / "virtio-ring.ko", "virtio")
    module(folder / "virtio.ko")
    names = [name for name, _ in in_loading_order(tmp_path, ["virtio_net", "built_in", "virtio-ring"])]
    assert names == ["virtio", "virtio_ring", "virtio_net"]


def test_the_archive_holds_scripts_and_modules_as_cpio_reads_it(lab_packages: None, tmp_path: Path) -> None:
    module(tmp_path / "virtio.ko")
    archive = build_initrd(Kernel(Path("vmlinuz"), (("virtio", tmp_path / "virtio.ko"),)))
    listing = subprocess.run(
        ["cpio", "-t"], input=gzip.decompress(archive), capture_output=True, check=True
    ).stdout.decode()
    assert {*SCRIPTS, "bin/busybox", "dev/console", "lib/mods/virtio.ko"} <= set(listing.split())


@pytest.mark.parametrize("place", [place for place in SCRIPTS if place != "init"])
def test_a_guest_script_is_one_that_its_shell_can_read(lab_packages: None, place: str) -> None:
    subprocess.run(["busybox", "sh", "-n"], input=guest_scripts()[place], check=True)
