"""The libvirt of this machine: started if it does not run, and ended again only then."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from opennebula_core.cli.processes import Running
from opennebula_core.cli.up.programs import MachineError, run, succeeds
from opennebula_core.cli.up.record import Record
from opennebula_core.config.location import Location

URI: Final = "qemu:///system"
DOMAIN_PREFIX: Final = "one-"
START_LIMIT_S: Final = 30.0
COMMAND_LIMIT_S: Final = 30.0
SYSTEMD_RUNS: Final = Path("/run/systemd/system")
UNITS: Final = (
    "virtlogd.service",
    "libvirtd.service",
    *(f"libvirtd{name}.socket" for name in ("", "-ro", "-admin")),
)
DAEMONS: Final = ("virtlogd", "libvirtd")
"""In the order in which they start; libvirtd has virtlogd write the guests' logs."""


def answers() -> bool:
    """Return whether libvirt is there."""
    return succeeds(["virsh", "-c", URI, "version"], COMMAND_LIMIT_S)


def start(location: Location, record: Record) -> None:
    """Start libvirt unless it runs, and record what was started.

    :raises MachineError: it does not start
    """
    if answers():
        return
    if SYSTEMD_RUNS.is_dir():
        # The sockets come with the service, and would start it anew after it was stopped.
        record.units = sorted({*record.units, *(unit for unit in UNITS if not _is_active(unit))})
        record.save(location)
        run(["systemctl", "start", "libvirtd.service"], START_LIMIT_S)
    else:
        for daemon in DAEMONS:
            _start_daemon(location, record, daemon)
    deadline = time.monotonic() + START_LIMIT_S
    while not answers():
        if time.monotonic() > deadline:
            raise MachineError(f"libvirtd does not answer at {URI} after {START_LIMIT_S:g} s")
        time.sleep(0.2)


def _is_active(unit: str) -> bool:
    return succeeds(["systemctl", "is-active", "--quiet", unit], COMMAND_LIMIT_S)


def _start_daemon(location: Location, record: Record, daemon: str) -> None:
    pid_file = location.run / f"{daemon}.pid"
    before = Running.of(pid_file)
    if before is not None and before in record.processes:
        return
    run([daemon, "--daemon", "--pid-file", str(pid_file)], START_LIMIT_S)
    process = Running.of(pid_file)
    if process is not None:
        record.processes.append(process)
        record.save(location)


def stop(location: Location, record: Record) -> None:
    """End what :func:`start` started."""
    if record.units:
        # The sockets first: each of them would wake the service.
        for unit in sorted(record.units, key=lambda name: name.endswith(".service")):
            run(["systemctl", "stop", unit], COMMAND_LIMIT_S)
        record.units = []
    for process in reversed(record.processes):
        process.end()
    record.processes = []
    record.save(location)


def guests() -> list[str]:
    """Return the names of the guests that run and look like a cloud's.

    :raises MachineError: libvirt does not answer
    """
    names = run(["virsh", "-c", URI, "list", "--name"], COMMAND_LIMIT_S).split()
    return sorted(name for name in names if name.startswith(DOMAIN_PREFIX))
