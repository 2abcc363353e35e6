"""What is free goes back to the system, also when many threads have used it."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import sys, threading
from opennebula_core.config.allocator import keep_little_free
if sys.argv[1] == "limited":
    assert keep_little_free()
def work():
    for _ in range(3):
        del [bytes(20 << 20)][0]  # unlimited, what is smaller is kept from now on
        blocks = [bytes(200_000) for _ in range(50)]
        gate.wait()
        blocks.append(bytes(60_000))  # lies behind them
gate = threading.Barrier(8)
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
with open("/proc/self/statm") as file:
    print(int(file.read().split()[1]) * 4096 >> 20)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the limits are glibc's")
def test_what_threads_have_freed_goes_back_to_the_system() -> None:
    resident_mib = [
        int(subprocess.run([sys.executable, "-c", PROGRAM, how], check=True, capture_output=True).stdout)
        for how in ("plain", "limited")
    ]
    assert resident_mib[1] < 60, resident_mib
