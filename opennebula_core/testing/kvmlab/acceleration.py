"""Whether this machine's KVM can run a guest: found out by running one.

A ``/dev/kvm`` that opens proves nothing: on some virtual machines a stock kernel is only emulated there,
slower than by QEMU itself, or never starts.
"""

from __future__ import annotations

import subprocess
import tempfile
import threading
from pathlib import Path

from opennebula_core.testing.kvmlab.command import locked, write_file
from opennebula_core.testing.kvmlab.initrd import build_initrd
from opennebula_core.testing.kvmlab.kernel import unpacked_kernel
from opennebula_core.testing.kvmlab.settings import LabSettings

BOOT_LIMIT_S = 15.0
"""Under working KVM the guest's first process speaks after about one second."""


def accelerator(settings: LabSettings) -> str:
    """Return ``kvm`` if a guest's kernel runs under KVM here, else ``tcg``.

    The first call after the machine's start tries it, which takes up to 15 seconds.
    """
    if settings.accelerator:
        return settings.accelerator
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    note = settings.made_cache() / "accelerator"
    with locked(settings.cache / "accelerator.lock"):
        known, _, found = note.read_text().strip().partition(" ") if note.exists() else ("", "", "")
        if known != boot_id:
            found = "kvm" if _is_offered() and _boots(settings) else "tcg"
            write_file(note, f"{boot_id} {found}\n")
    return found


def _is_offered() -> bool:
    modules = ("kvm_intel", "kvm_amd")
    return Path("/dev/kvm").exists() and any(Path("/sys/module", name).is_dir() for name in modules)


def _boots(settings: LabSettings) -> bool:
    kernel = unpacked_kernel(settings)
    with tempfile.TemporaryDirectory() as folder:
        initrd = Path(folder) / "initrd.gz"
        initrd.write_bytes(build_initrd(kernel))
        machine = ["-accel", "kvm", "-m", "256", "-nographic", "-no-reboot", "-nic", "none"]
        boot = ["-kernel", str(kernel.image), "-initrd", str(initrd), "-append", "console=ttyS0 quiet"]
        with subprocess.Popen(
            ["qemu-system-x86_64", *machine, *boot],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            return _says_hello(process)


def _says_hello(process: subprocess.Popen[bytes]) -> bool:
    assert process.stdout is not None
    limit = threading.Timer(BOOT_LIMIT_S, process.kill)
    limit.start()
    try:
        return any(b"KVMGUEST init" in line for line in process.stdout)
    finally:
        limit.cancel()
        process.kill()
