"""A real ``oned`` in a process of its own, with its database on a real disk, flushed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from opennebula_core.client import Client
from opennebula_core.config import Location
from opennebula_core.errors import ClientError
from opennebula_core.testing.ports import free_port

SESSION: Final = "oneadmin:bench"
START_TIMEOUT_S: Final = 60.0
CPU_CLOCK: Final = 2


class FrontEnd:
    """The daemon, and the figures that the system keeps of it."""

    def __init__(self, location: Location, port: int, monitor_port: int) -> None:
        self.location = location
        self.port = port
        self.monitor_port = monitor_port
        self.client = Client(f"http://127.0.0.1:{port}/RPC2", SESSION)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the daemon and wait until it answers."""
        log = self.location.log_file("oned").open("ab")
        environment = {**os.environ, "ONE_LOCATION": str(self.location)}
        with log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "from opennebula_core.daemon import main; main()"],
                env=environment,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise ClientError(f"oned did not start; see {self.location.log_file('oned')}") from None
                time.sleep(0.005)

    def kill(self) -> None:
        """End the daemon at once, as a power failure would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End the daemon in order."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        self.client.close()
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait()
            self.process = None

    @property
    def pid(self) -> int:
        """The daemon's process id."""
        if self.process is None:
            raise ClientError("oned does not run; start it first")
        return self.process.pid

    def cpu_s(self) -> float:
        """Return how much CPU time the daemon has used."""
        # The clock of another process, to the nanosecond. Source: Linux, include/linux/posix-timers.h.
        return time.clock_gettime((~self.pid << 3) | CPU_CLOCK)

    def memory_mib(self) -> float:
        """Return the memory of the daemon and all its drivers; what they share is counted once."""
        return sum(_memory_kib(pid) for pid in _family(self.pid)) / 1024


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _family(int(child))


def _memory_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


@contextmanager
def running_front_end(folder: Path) -> Iterator[FrontEnd]:
    """Give a front-end that has just been set up below ``folder``; it is removed afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="bench-", dir=folder) as path:
        location = Location.at(path)
        location.create()
        location.auth_file.write_text(f"{SESSION}\n")
        port, monitor_port = free_port(), free_port()
        location.config_file.write_text(
            f'[api]\nport = {port}\n[monitoring]\nport = {monitor_port}\n[log]\nlevel = "warning"\n'
        )
        front_end = FrontEnd(location, port, monitor_port)
        front_end.start()
        try:
            yield front_end
        finally:
            front_end.stop()
