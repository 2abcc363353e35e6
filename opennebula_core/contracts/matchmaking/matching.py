"""Requirement and rank expressions over hosts: parsed once, and evaluated again only where that can matter.

A policy asks for all hosts at once, so that the evaluation may become one over columns without a policy
noticing it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from opennebula_core.contracts.matchmaking.bookings import HostLookup
from opennebula_core.contracts.matchmaking.round import Round
from opennebula_core.contracts.matchmaking.views import HostView, Lookup
from opennebula_core.errors import ExpressionError
from opennebula_core.model.expressions import (
    And,
    Comparison,
    Constant,
    Not,
    Operator,
    Or,
    Rank,
    Requirement,
    evaluate_rank,
    evaluate_requirement,
    parse_rank,
    parse_requirement,
    variables,
)

LOG = logging.getLogger(__name__)

KEPT_TEXTS: Final = 128
"""Requirements whose outcome per host is kept from round to round; with more, the oldest are forgotten."""

_CURRENT_VMS: Final = "CURRENT_VMS"


@dataclass(frozen=True, slots=True)
class _HostRequirement:
    """A requirement as it is evaluated for hosts.

    :param is_live: it depends on what a round books
    """

    tree: Requirement
    is_live: bool


@lru_cache(maxsize=4096)
def _host_requirement(text: str) -> _HostRequirement:
    tree = _with_vm_sets(parse_requirement(text))
    return _HostRequirement(tree, bool(variables(tree) & HostLookup.LIVE_NAMES))


@lru_cache(maxsize=4096)
def _requirement(text: str) -> Requirement:
    return parse_requirement(text)


@lru_cache(maxsize=4096)
def _rank(text: str) -> Rank:
    """Return the tree of a rank; one that does not parse is said once and counts 0 everywhere."""
    try:
        return parse_rank(text)
    except ExpressionError as error:
        LOG.warning("rank %r: does not parse: %s; it counts 0", text, error)
        return Constant(0.0)


def _with_vm_sets(tree: Requirement) -> Requirement:
    """Return the tree with CURRENT_VMS as a set: ``= 5`` asks whether VM 5 is there, ``!= 5`` the opposite.

    Source: OpenNebula 6.10. As an ordinary attribute, ``!=`` would be false on a host without any VM.
    """
    match tree:
        case Comparison(variable=name, operator=Operator.EQUAL, value=value) if name == _CURRENT_VMS:
            return Comparison(name, Operator.CONTAINS, value)
        case Comparison(variable=name, operator=Operator.NOT_EQUAL, value=value) if name == _CURRENT_VMS:
            return Not(Comparison(name, Operator.CONTAINS, value))
        case Not(operand=operand):
            return Not(_with_vm_sets(operand))
        case And(terms=terms):
            return And(tuple(_with_vm_sets(term) for term in terms))
        case Or(terms=terms):
            return Or(tuple(_with_vm_sets(term) for term in terms))
        case _:
            return tree


class Matcher:
    """Evaluates expressions; one serves a policy for its whole life.

    Outcomes that no booking can change are kept per host until the host's view is a new one.
    """

    def __init__(self) -> None:
        self._outcomes: dict[str, dict[int, tuple[HostView, bool]]] = {}

    def accepts(self, text: str, hosts: Sequence[HostView], round: Round) -> list[bool]:
        """Return for each host, in order, whether it meets the requirement.

        :raises ExpressionError: the text does not parse
        """
        requirement = _host_requirement(text)
        if requirement.is_live:
            return [evaluate_requirement(requirement.tree, round.lookup(host)) for host in hosts]
        known = self._known(text)
        met: list[bool] = []
        for host in hosts:
            outcome = known.get(host.id)
            if outcome is None or outcome[0] is not host:
                outcome = known[host.id] = (host, evaluate_requirement(requirement.tree, host.attributes))
            met.append(outcome[1])
        return met

    def _known(self, text: str) -> dict[int, tuple[HostView, bool]]:
        known = self._outcomes.get(text)
        if known is None:
            if len(self._outcomes) >= KEPT_TEXTS:
                del self._outcomes[next(iter(self._outcomes))]
            known = self._outcomes[text] = {}
        return known

    def ranks(self, text: str, hosts: Sequence[HostView], round: Round) -> list[float]:
        """Return the rank of each host, in order; an expression that does not parse ranks all hosts 0."""
        tree = _rank(text)
        return [float(evaluate_rank(tree, round.lookup(host))) for host in hosts]

    def meets(self, text: str, lookup: Lookup) -> bool:
        """Whether one object, such as a datastore, meets a requirement; the empty one is always met.

        :raises ExpressionError: the text does not parse
        """
        return not text or evaluate_requirement(_requirement(text), lookup)

    def rank_of(self, text: str, lookup: Lookup) -> float:
        """Return the rank of one object; an expression that does not parse ranks it 0."""
        return float(evaluate_rank(_rank(text), lookup))
