"""The standing of all hosts for one kind of VM, kept up to date while a round books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Protocol

from opennebula_core.contracts.matchmaking.decisions import Migration, Placement, Unplaced
from opennebula_core.contracts.matchmaking.reasons import describe
from opennebula_core.contracts.matchmaking.round import Filtered, Round
from opennebula_core.contracts.matchmaking.views import HostView, PendingVm

NO_DATASTORE = "no system datastore with enough room that the VM may use"
REFUSED = "refused by the core"
LIMIT = "limit of placements per round reached"


class Steps(Protocol):
    """The steps of a policy that a board calls."""

    def filter(self, vm: PendingVm, hosts: Sequence[HostView], round: Round, /) -> Filtered:
        """Sort the hosts."""

    def rank(self, vm: PendingVm, hosts: Sequence[HostView], round: Round, /) -> Sequence[float]:
        """Rank the hosts."""

    def choose_datastore(self, vm: PendingVm, host: HostView, round: Round, /) -> int | None:
        """Choose the system datastore."""

    def placement(self, vm: PendingVm, host: HostView, datastore_id: int, /) -> Placement | Migration:
        """Make the decision."""


class Board:
    """Answers "where does the next VM of this kind go?" without looking at every host every time.

    All hosts are filtered and ranked once. After that only hosts that the round touched are looked at again:
    a heap holds the candidates, entries of a host that has changed since are passed over.
    """

    def __init__(self, policy: Steps, vm: PendingVm, round: Round) -> None:
        self.rejected: dict[int, str] = {}
        """Host id -> the condition that failed."""
        self._policy = policy
        self._vm = vm
        self._round = round
        self._heap: list[tuple[float, int, int]] = []
        self._versions: dict[int, int] = {}
        self._seen = len(round.touched)
        self._failed_at = -1
        self._failure: Mapping[str, int] = {}
        self._heap = self._entries(round.cloud.hosts)
        heapify(self._heap)

    def ranked(self) -> list[tuple[HostView, float]]:
        """Return the hosts that can take a VM of the kind with their ranks, best first."""
        self._refresh()
        current = [entry for entry in self._heap if self._versions.get(entry[1], 0) == entry[2]]
        return [(self._round.hosts[host_id], -rank) for rank, host_id, _ in sorted(current)]

    def decide(self, vm: PendingVm) -> Placement | Migration | Unplaced:
        """Return where ``vm``, one of the kind, goes; nothing is booked here."""
        self._refresh()
        if self._failed_at == self._seen:
            return self._unplaced(vm, self._failure)
        skipped: list[tuple[float, int, int]] = []
        reasons: Counter[str] = Counter()
        decision: Placement | Migration | None = None
        while self._heap and decision is None:
            entry = self._heap[0]
            host = self._round.hosts[entry[1]]
            if self._versions.get(host.id, 0) != entry[2]:
                heappop(self._heap)
                continue
            if self._round.is_refused(vm, host):
                reasons[REFUSED] += 1
            elif (datastore_id := self._policy.choose_datastore(vm, host, self._round)) is None:
                reasons[NO_DATASTORE] += 1
            else:
                decision = self._policy.placement(vm, host, datastore_id)
                break
            skipped.append(heappop(self._heap))
        for entry in skipped:
            heappush(self._heap, entry)
        if decision is not None:
            return decision
        reasons.update(self.rejected.values())
        if REFUSED not in reasons:
            self._failed_at, self._failure = self._seen, reasons
        return self._unplaced(vm, reasons)

    def _refresh(self) -> None:
        touched = self._round.touched
        if self._seen == len(touched):
            return
        hosts = [self._round.hosts[host_id] for host_id in dict.fromkeys(touched[self._seen :])]
        self._seen = len(touched)
        for host in hosts:
            self._versions[host.id] = self._versions.get(host.id, 0) + 1
            self.rejected.pop(host.id, None)
        for entry in self._entries(hosts):
            heappush(self._heap, entry)

    def _entries(self, hosts: Sequence[HostView]) -> list[tuple[float, int, int]]:
        accepted = self._accepted(hosts)
        ranks = self._policy.rank(self._vm, accepted, self._round)
        terms = self._round.extensions.rank(self._vm, accepted)
        return [
            (-(rank + term), host.id, self._versions.get(host.id, 0))
            for host, rank, term in zip(accepted, ranks, terms, strict=True)
        ]

    def _accepted(self, hosts: Sequence[HostView]) -> Sequence[HostView]:
        filtered = self._policy.filter(self._vm, hosts, self._round)
        self.rejected.update(filtered.rejected)
        accepted = filtered.accepted
        if vetoes := self._round.extensions.reject(self._vm, accepted):
            self.rejected.update(vetoes)
            accepted = [host for host in accepted if host.id not in vetoes]
        if self._round.limits.max_host:
            full = {host.id: LIMIT for host in accepted if not self._round.is_open(host)}
            self.rejected.update(full)
            accepted = [host for host in accepted if host.id not in full]
        return accepted

    @staticmethod
    def _unplaced(vm: PendingVm, reasons: Mapping[str, int]) -> Unplaced:
        return Unplaced(vm.id, describe(reasons), reasons)
