"""The guest's initial RAM disk: busybox, kernel modules and the scripts in ``guest/``."""

from __future__ import annotations

import gzip
import io
import shutil
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from opennebula_core.testing.kvmlab.command import LabError
from opennebula_core.testing.kvmlab.kernel import Kernel

EPOCH = 1_700_000_000
"""The time stamp of everything in the image, so that two builds are the same byte for byte."""

SCRIPTS = {
    "init": "init",
    "bin/context": "context",
    "bin/dhcp": "dhcp",
    "bin/shut": "shut",
    "bin/agent": "agent",
    "etc/acpi/PWRF/00000080": "power-button",
    "www/cgi-bin/status": "status",
    "www/cgi-bin/run": "run",
}
"""Path in the guest -> file in ``guest/``."""

FOLDERS = ("bin", "dev", "etc", "etc/acpi", "etc/acpi/PWRF", "lib", "lib/mods", "www", "www/cgi-bin")

FOLDER = stat.S_IFDIR | 0o755
PROGRAM = stat.S_IFREG | 0o755
FILE = stat.S_IFREG | 0o644
DEVICE = stat.S_IFCHR | 0o600


@dataclass(frozen=True, slots=True)
class Entry:
    """One member of the archive; ``device`` is (major, minor)."""

    name: str
    mode: int
    content: bytes = b""
    device: tuple[int, int] = (0, 0)


def build_initrd(kernel: Kernel) -> bytes:
    """Return the compressed archive, the same for the same kernel and busybox.

    :raises LabError: there is no static busybox
    """
    archive = io.BytesIO()
    # gzip: xz is smaller, but slower to boot where the processor is emulated
    with gzip.GzipFile(fileobj=archive, mode="wb", mtime=0, compresslevel=9) as compressed:
        compressed.write(_cpio(_entries(kernel)))
    return archive.getvalue()


def static_busybox() -> Path:
    """Return where the statically linked busybox is.

    :raises LabError: there is none
    """
    found = shutil.which("busybox")
    if found:
        with open(found, "rb") as program:
            if b"/ld-linux" not in program.read(4096):
                return Path(found)
    raise LabError("guest image: no statically linked busybox; install the package busybox-static")


def guest_scripts() -> dict[str, bytes]:
    """Return the guest's scripts: path in the guest -> content."""
    folder = Path(__file__).parent / "guest"
    return {place: (folder / name).read_bytes() for place, name in SCRIPTS.items()}


def _entries(kernel: Kernel) -> list[Entry]:
    order = "".join(f"{name}\n" for name, _ in kernel.modules)
    return [
        *(Entry(name, FOLDER) for name in FOLDERS),
        Entry("dev/console", DEVICE, device=(5, 1)),
        Entry("bin/busybox", PROGRAM, static_busybox().read_bytes()),
        *(Entry(f"lib/mods/{name}.ko", FILE, path.read_bytes()) for name, path in kernel.modules),
        Entry("lib/mods/order", FILE, order.encode()),
        *(Entry(place, PROGRAM, content) for place, content in guest_scripts().items()),
        Entry("etc/passwd", FILE, b"root::0:0:root:/root:/bin/sh\n"),
        Entry("etc/group", FILE, b"root:x:0:\n"),
    ]


def _cpio(entries: Iterable[Entry]) -> bytes:
    """Return an archive in the format that the kernel unpacks. Source: cpio(5), "New ASCII Format"."""
    archive = io.BytesIO()
    for inode, entry in enumerate([*entries, Entry("TRAILER!!!", 0)], start=1):
        name = entry.name.encode() + b"\0"
        time = EPOCH if entry.mode else 0
        size = len(entry.content)
        fields = (inode, entry.mode, 0, 0, 1, time, size, 0, 0, *entry.device, len(name), 0)
        archive.write(b"070701" + b"".join(b"%08X" % field for field in fields) + name)
        _pad(archive, 4)
        archive.write(entry.content)
        _pad(archive, 4)
    _pad(archive, 512)
    return archive.getvalue()


def _pad(archive: io.BytesIO, to: int) -> None:
    archive.write(b"\0" * (-archive.tell() % to))
