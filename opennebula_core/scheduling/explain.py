"""Why a VM goes where it goes, or nowhere."""

from __future__ import annotations

from dataclasses import dataclass

from opennebula_core.contracts.matchmaking.board import NO_DATASTORE, Board
from opennebula_core.contracts.scheduler import PendingVm, Round, SchedulerPolicy


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a policy says of one host for one VM.

    :param condition: what failed; empty when the VM could go there
    :param datastore_id: the system datastore that it would get; -1 is left to the core
    """

    host_id: int
    name: str
    condition: str
    rank: float = 0.0
    datastore_id: int = -1


def explain(policy: SchedulerPolicy, vm: PendingVm, round: Round) -> list[Verdict]:
    """Return a verdict for every host: where the VM could go, best first, then the others by id."""
    board = Board(policy, vm, round)
    accepted: list[Verdict] = []
    for host, rank in board.ranked():
        datastore_id = policy.choose_datastore(vm, host, round)
        condition = NO_DATASTORE if datastore_id is None else ""
        accepted.append(
            Verdict(host.id, host.name, condition, rank, -1 if datastore_id is None else datastore_id)
        )
    rejected = [
        Verdict(host_id, round.hosts[host_id].name, condition)
        for host_id, condition in sorted(board.rejected.items())
    ]
    return [
        *(item for item in accepted if not item.condition),
        *(item for item in accepted if item.condition),
        *rejected,
    ]


def verdict_lines(vm: PendingVm, verdicts: list[Verdict]) -> list[str]:
    """Return the verdicts as a table for people."""
    lines = [f"VM {vm.id} {vm.name!r}: needs CPU {vm.cpu_percent} %, memory {vm.memory_kib // 1024} MiB"]
    lines.append(f"{'HOST':>6}  {'NAME':<24} {'RANK':>12}  {'DATASTORE':>9}  VERDICT")
    for item in verdicts:
        rank = "-" if item.condition else f"{item.rank:g}"
        datastore = "-" if item.condition or item.datastore_id < 0 else str(item.datastore_id)
        verdict = item.condition or "can take it"
        lines.append(f"{item.host_id:>6}  {item.name:<24} {rank:>12}  {datastore:>9}  {verdict}")
    if not verdicts:
        lines.append("there are no hosts; register one with 'onehost create'")
    return lines
