"""The test guest's disk: 16 MiB on disk, boots from BIOS, built from Debian's kernel and busybox.

First partition: FAT with syslinux, kernel and initial RAM disk. Second: ext4, kept across boots.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from opennebula_core.testing.kvmlab.command import LabError, locked, run, write_file
from opennebula_core.testing.kvmlab.initrd import EPOCH, build_initrd, guest_scripts, static_busybox
from opennebula_core.testing.kvmlab.kernel import Kernel, unpacked_kernel
from opennebula_core.testing.kvmlab.settings import LabSettings

DISK_ID = "6b766d6c"
DATA_UUID = "6b766d6c-0000-4000-8000-000000000001"
HASH_SEED = "6b766d6c-0000-4000-8000-000000000002"
SECTORS_PER_MIB = 2048
MIB = 1 << 20

SYSLINUX = """SERIAL 0 115200
DEFAULT l
PROMPT 0
TIMEOUT 0
LABEL l
KERNEL vmlinuz
INITRD initrd.gz
APPEND console=tty0 console=ttyS0 quiet panic=5 mitigations=off tsc=reliable no_timer_check
"""

MASTER_BOOT_RECORDS = (Path("/usr/lib/syslinux/mbr/mbr.bin"), Path("/usr/lib/SYSLINUX/mbr.bin"))

ENVIRONMENT = {
    "SOURCE_DATE_EPOCH": str(EPOCH),
    "TZ": "UTC",
    "E2FSPROGS_FAKE_TIME": str(EPOCH),
    "MTOOLS_SKIP_CHECK": "1",
}
"""What makes the tools below write the same bytes each time."""


@dataclass(frozen=True, slots=True)
class Partitions:
    """Sizes of the two partitions; the first begins at 1 MiB."""

    boot_mib: int
    data_mib: int

    @property
    def data_offset_mib(self) -> int:
        """Where the second partition begins."""
        return 1 + self.boot_mib


def cached_guest_image(settings: LabSettings) -> Path:
    """Return the guest image (qcow2) from the cache, built there first when what it is made of has changed.

    :raises LabError: a package is missing, or a tool failed
    """
    kernel = unpacked_kernel(settings)
    path = settings.made_cache() / f"guest-{_fingerprint(kernel)}.qcow2"
    with locked(settings.cache / "guest.lock"):
        if not path.exists():
            build_guest_image(path, settings)
    return path


def build_guest_image(path: Path, settings: LabSettings, *, size_mib: int = 32, format: str = "") -> None:
    """Build the guest's disk; two builds are the same byte for byte.

    :param size_mib: the disk's virtual size
    :param format: ``raw`` or ``qcow2``; empty to go by the file's name
    :raises LabError: a package is missing, or a tool failed
    """
    format = format or ("raw" if path.suffix in (".raw", ".img") else "qcow2")
    path.parent.mkdir(parents=True, exist_ok=True)
    # beside the result, so that it can be renamed in one piece
    with tempfile.TemporaryDirectory(dir=path.absolute().parent) as folder:
        disk = Path(folder) / "disk.raw"
        files = _boot_files(Path(folder), unpacked_kernel(settings))
        boot_mib = -(-sum(file.stat().st_size for file in files) // MIB) + 2
        partitions = Partitions(boot_mib, max(4, size_mib - boot_mib - 1))
        _make_partitions(disk, partitions)
        _make_boot_partition(disk, partitions, files)
        _make_data_partition(disk, partitions)
        finished = Path(folder) / "finished"
        run(["qemu-img", "convert", "-O", format, str(disk), str(finished)])
        shutil.move(finished, path)


def _fingerprint(kernel: Kernel) -> str:
    digest = hashlib.sha256(f"{kernel.image.name} {SYSLINUX}".encode())
    digest.update(static_busybox().read_bytes())
    for place, content in guest_scripts().items():
        digest.update(place.encode() + content)
    return digest.hexdigest()[:12]


def _boot_files(folder: Path, kernel: Kernel) -> list[Path]:
    image, initrd, configuration = (folder / name for name in ("vmlinuz", "initrd.gz", "syslinux.cfg"))
    shutil.copyfile(kernel.image, image)
    initrd.write_bytes(build_initrd(kernel))
    write_file(configuration, SYSLINUX)
    files = [image, initrd, configuration]
    for file in files:
        os.utime(file, (EPOCH, EPOCH))
    return files


def _make_partitions(disk: Path, partitions: Partitions) -> None:
    with disk.open("wb") as file:
        file.truncate((partitions.data_offset_mib + partitions.data_mib) * MIB)
    data_start = partitions.data_offset_mib * SECTORS_PER_MIB
    table = (
        f"label: dos\nlabel-id: 0x{DISK_ID}\n"
        f"start={SECTORS_PER_MIB}, size={partitions.boot_mib * SECTORS_PER_MIB}, type=e, bootable\n"
        f"start={data_start}, size={partitions.data_mib * SECTORS_PER_MIB}, type=83\n"
    )
    argv = ["sfdisk", "-q", "--no-reread", "--no-tell-kernel", str(disk)]
    run(argv, stdin=table.encode(), environment=ENVIRONMENT)


def _make_boot_partition(disk: Path, partitions: Partitions, files: list[Path]) -> None:
    at = f"{disk}@@1M"
    sectors = str(partitions.boot_mib * SECTORS_PER_MIB)
    geometry = ["-T", sectors, "-h", "16", "-s", "63", "-H", str(SECTORS_PER_MIB)]
    label = ["-N", DISK_ID, "-v", "KVMGUEST"]
    run(["mformat", "-i", at, *geometry, *label, "::"], environment=ENVIRONMENT)
    run(["syslinux", "--install", "--offset", str(MIB), str(disk)], environment=ENVIRONMENT)
    run(["mcopy", "-m", "-i", at, *map(str, files), "::"], environment=ENVIRONMENT)
    record = next((path for path in MASTER_BOOT_RECORDS if path.exists()), None)
    if record is None:
        raise LabError("guest image: no mbr.bin of syslinux; install the package syslinux-common")
    with disk.open("r+b") as file:
        # the partition table begins right behind
        file.write(record.read_bytes()[:440])


def _make_data_partition(disk: Path, partitions: Partitions) -> None:
    offset = partitions.data_offset_mib * MIB
    extended = f"offset={offset},hash_seed={HASH_SEED},lazy_itable_init=0,root_owner=0:0"
    system = ["mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-L", "data", "-U", DATA_UUID]
    argv = [*system, "-E", extended, str(disk), f"{partitions.data_mib * 1024}k"]
    run(argv, environment=ENVIRONMENT)
