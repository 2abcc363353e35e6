"""The whole: a world, its visitors, and what was found."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Final

from bench.front_end import FrontEnd
from bench.stress.settling import complaints, settle
from bench.stress.visitor import Visitor
from bench.stress.world import DELAY_S, FAILURE_RATE, build_world
from opennebula_core.errors import ClientError

CLIENTS: Final = 64
GROWTH_LIMIT_MIB: Final = 300.0
"""For the drivers' processes, which the first VMs start, and what thousands of calls leave in caches."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What a run has shown.

    :param complaints: what is not as it has to be; empty when all is well
    :param calls: how many calls of each kind were done and refused
    :param grown_mib: by how much the memory of the daemon and its drivers grew
    """

    complaints: list[str]
    calls: Counter[str]
    vms: int
    grown_mib: float


def stress(front_end: FrontEnd, *, seconds: float, seed: int, clients: int = CLIENTS) -> Findings:
    """Let many clients do whatever they like for a while, end everything, and look at what is left."""
    world = build_world(front_end)
    before_mib = front_end.memory_mib()
    world.behave(DELAY_S, FAILURE_RATE)
    visitors = [Visitor(world, number, seed) for number in range(clients)]
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=visitor.visit, args=(until,)) for visitor in visitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        settle(world)
        unsettled = []
    except ClientError as error:
        unsettled = [str(error)]
    found = [*unsettled, *complaints(world, visitors)]
    calls: Counter[str] = Counter()
    for visitor in visitors:
        calls.update(visitor.counts)
    grown_mib = front_end.memory_mib() - before_mib
    if grown_mib > GROWTH_LIMIT_MIB:
        found.append(f"memory grew by {grown_mib:.0f} MiB; at most {GROWTH_LIMIT_MIB:.0f} are expected")
    return Findings(found, calls, len(world.vm_ids), grown_mib)
