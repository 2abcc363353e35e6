"""The trees of requirement and rank expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

Lookup = Callable[[str], Sequence[str]]
"""Gives all values of a variable, in document order; none when it is missing."""


class Operator(StrEnum):
    """How a comparison compares."""

    EQUAL = "="
    NOT_EQUAL = "!="
    GREATER = ">"
    LESS = "<"
    CONTAINS = "@>"


@dataclass(frozen=True, slots=True)
class Always:
    """True: the empty requirement."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A variable against a value: a number, or a text that is a shell pattern.

    False when the variable is missing, for every operator, and when ``value`` is the empty text.
    """

    variable: str
    operator: Operator
    value: float | str


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of its operand."""

    operand: Requirement


@dataclass(frozen=True, slots=True)
class And:
    """True when all its terms are; a chain of the same operator is one node."""

    terms: tuple[Requirement, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True when any of its terms is."""

    terms: tuple[Requirement, ...]


Requirement = Always | Comparison | Not | And | Or


@dataclass(frozen=True, slots=True)
class Constant:
    """A number."""

    value: float


@dataclass(frozen=True, slots=True)
class Variable:
    """An attribute read as a number; 0 when it is missing or none."""

    name: str


@dataclass(frozen=True, slots=True)
class Negated:
    """Minus its operand."""

    operand: Rank


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``left operator right``; the operator is one of ``+ - * /``."""

    operator: str
    left: Rank
    right: Rank


Rank = Constant | Variable | Negated | Arithmetic


def variables(tree: Requirement | Rank) -> frozenset[str]:
    """Return the names of all variables that occur in the tree."""
    return frozenset(_names(tree))


def _names(tree: Requirement | Rank) -> Iterator[str]:
    match tree:
        case Comparison(variable=name) | Variable(name=name):
            yield name
        case Not(operand=operand) | Negated(operand=operand):
            yield from _names(operand)
        case And(terms=terms) | Or(terms=terms):
            for term in terms:
                yield from _names(term)
        case Arithmetic(left=left, right=right):
            yield from _names(left)
            yield from _names(right)
