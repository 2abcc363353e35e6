"""What is remembered of a host between two looks: counters, of which the next look makes rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from opennebula_im_ssh.figures import Clock, CpuTimes

NS_PER_S = 1_000_000_000
PERCENT = 100


@dataclass(frozen=True, slots=True)
class Look:
    """The counters of one look.

    :param guest_cpu_ns: domain name -> processor time since its start
    """

    clock: Clock
    cpu: CpuTimes
    guest_cpu_ns: Mapping[str, int] = field(default_factory=dict)


def used_cpu_percent(now: Look, before: Look | None, processors: int) -> int:
    """Return what all processors together do, 100 for each that is fully used.

    Since the look before; since the host's start when there was none.
    """
    past = before.cpu if before and _same_boot(now, before) else CpuTimes()
    total, idle = now.cpu.total - past.total, now.cpu.idle - past.idle
    # idle time can go back a little. Source: proc(5), on iowait
    share = min(1.0, max(0.0, 1 - idle / total)) if total > 0 else 0.0
    return round(share * processors * PERCENT)


def guest_cpu_percent(name: str, now: Look, before: Look | None) -> float:
    """Return what a guest does, 100 for one processor fully used; 0 at the first look at its host."""
    if before is None or not _same_boot(now, before):
        return 0.0
    elapsed_s = now.clock.uptime_s - before.clock.uptime_s
    used, past = now.guest_cpu_ns[name], before.guest_cpu_ns.get(name, 0)
    # one that began anew since, under the same name, has counted from 0
    used_ns = used - past if used >= past else used
    if elapsed_s <= 0:
        return 0.0
    return round(used_ns / NS_PER_S / elapsed_s * PERCENT, 2)


def _same_boot(now: Look, before: Look) -> bool:
    return now.clock.boot_id == before.clock.boot_id
