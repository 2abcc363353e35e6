"""A host's own figures: processors, memory, disk, network, clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from opennebula_core.contracts.im import DatastoreReport
from opennebula_im_ssh.answer import Answer, number, refusal

BYTES_PER_MIB = 1024 * 1024

IDLE_FIELDS = (3, 4)
"""``idle`` and ``iowait`` in a cpu line. Source: proc(5)."""
COUNTED_FIELDS = 8
"""The two behind them, ``guest`` and ``guest_nice``, are in ``user`` and ``nice`` already."""

_UPTIME = re.compile(r"[0-9]{1,12}\.[0-9]{1,9}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """Processor time since the host's start, in clock ticks, of all processors together."""

    total: int = 0
    idle: int = 0


@dataclass(frozen=True, slots=True)
class Clock:
    """Where a host is in time.

    :param boot_id: another one after each start of the host
    """

    boot_id: str
    uptime_s: float


@dataclass(frozen=True, slots=True)
class Memory:
    """Main memory in KiB; used is what could not be given to a new guest."""

    total_kib: int
    used_kib: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes through the host's cards since its start."""

    received: int
    sent: int


def processors(answer: Answer) -> tuple[int, CpuTimes]:
    """Return how many processors are online, and their times.

    :raises DriverError: the section is not as the kernel writes it
    """
    times, count = None, 0
    for name, rest in answer.rows("cpu", 2):
        if name == "cpu":
            fields = [number(field, "cpu") for field in rest.split()[:COUNTED_FIELDS]]
            if len(fields) <= max(IDLE_FIELDS):
                raise refusal("cpu", f"{rest[:80]!r} has too few figures")
            times = CpuTimes(sum(fields), sum(fields[index] for index in IDLE_FIELDS))
        else:
            count += 1
    if times is None or not count:
        raise refusal("cpu", "no processor is in it")
    return count, times


def memory(answer: Answer) -> Memory:
    """Return the memory.

    :raises DriverError: the section is not as the kernel writes it
    """
    values = {name: number(value, "memory") for name, value, _ in answer.rows("memory", 3)}
    try:
        total = values["MemTotal:"]
        # kernels before 3.14 say nothing of what is available
        reclaimable = values["MemFree:"] + values["Buffers:"] + values["Cached:"]
    except KeyError as error:
        raise refusal("memory", f"{error} is missing") from None
    return Memory(total, max(0, total - values.get("MemAvailable:", reclaimable)))


def traffic(answer: Answer) -> Traffic:
    """Return the traffic of the physical cards, or of the virtual ones on a host that has no other.

    :raises DriverError: a line is no card
    """
    cards: dict[str, list[tuple[int, int]]] = {"physical": [], "virtual": []}
    for name, kind, received, sent in answer.rows("network", 4):
        if kind not in cards:
            raise refusal("network", f"{kind[:80]!r} is no kind of card")
        if name != "lo":
            cards[kind].append((number(received, "network"), number(sent, "network")))
    chosen = cards["physical"] or cards["virtual"]
    return Traffic(sum(received for received, _ in chosen), sum(sent for _, sent in chosen))


def disks(answer: Answer) -> tuple[DatastoreReport, list[DatastoreReport]]:
    """Return the room in the folder of datastores (its id is -1), and in each datastore in it.

    :raises DriverError: the section is not as ``stat -f`` writes it
    """
    reports: list[DatastoreReport] = []
    for block, total, free, available, path in answer.rows("disk", 5):
        bytes_per_block = number(block, "disk")
        blocks = [number(text, "disk") for text in (total, free, available)]
        total_mib, free_mib, available_mib = (count * bytes_per_block // BYTES_PER_MIB for count in blocks)
        folder = PurePosixPath(path).name
        datastore_id = number(folder, "disk") if reports else -1
        reports.append(DatastoreReport(datastore_id, total_mib, total_mib - free_mib, available_mib))
    if not reports:
        raise refusal("disk", "it is empty")
    return reports[0], reports[1:]


def clock(answer: Answer) -> Clock:
    """Return the host's clock.

    :raises DriverError: the section is not as the kernel writes it
    """
    lines = answer.lines("clock")
    uptime = lines[1].split()[0] if len(lines) == 2 and lines[1].strip() else ""
    if not _UPTIME.match(uptime) or len(lines[0]) > 64:
        raise refusal("clock", f"{' '.join(lines)[:80]!r} is no boot id with an uptime")
    return Clock(lines[0], float(uptime))
