"""Plans of moves between the hosts of a cluster: their states, and which moves may begin when.

Whoever carries a plan out, the core or a command, goes by the same rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class PlanState(IntEnum):
    """States of a plan and of each of its moves. Source: OpenNebula 7.0, cluster plans."""

    NONE = -1
    READY = 0
    APPLYING = 1
    DONE = 2
    ERROR = 3
    TIMEOUT = 4


@dataclass(frozen=True, slots=True)
class Move:
    """One VM from one host to another.

    :param number: its place in the order in which every intermediate state fits, from 0
    """

    number: int
    vm_id: int
    source_id: int
    target_id: int
    state: PlanState = PlanState.READY


@dataclass(frozen=True, slots=True)
class Pace:
    """How many moves may run at a time: all in all, and with one host as source or target."""

    at_a_time: int = 4
    per_host: int = 2


def startable(moves: Sequence[Move], pace: Pace) -> list[Move]:
    """Return the moves that may begin now, in order.

    A move waits for the earlier ones that leave its target, since they may make its room there, and for the
    earlier ones of its own VM. Nothing else has to wait: more departures and fewer arrivals than in the
    planned order leave only more room.

    :param moves: all of the plan, in order
    """
    running = [move for move in moves if move.state is PlanState.APPLYING]
    free = pace.at_a_time - len(running)
    busy = Counter(host_id for move in running for host_id in (move.source_id, move.target_id))
    leaving: set[int] = set()
    moving: set[int] = set()
    chosen: list[Move] = []
    for move in moves:
        hosts = (move.source_id, move.target_id)
        if (
            len(chosen) < free
            and move.state is PlanState.READY
            and move.target_id not in leaving
            and move.vm_id not in moving
            and all(busy[host_id] < pace.per_host for host_id in hosts)
        ):
            chosen.append(move)
            busy.update(hosts)
        if move.state is not PlanState.DONE:
            leaving.add(move.source_id)
            moving.add(move.vm_id)
    return chosen


def reversed_moves(moves: Sequence[Move]) -> list[Move]:
    """Return the moves that undo those which are done, each VM's last move first."""
    done = [move for move in moves if move.state is PlanState.DONE]
    return [
        Move(number, move.vm_id, move.target_id, move.source_id) for number, move in enumerate(reversed(done))
    ]
