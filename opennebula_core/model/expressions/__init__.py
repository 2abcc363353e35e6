"""Requirement and rank expressions: parsed once to a tree, evaluated over any source of attributes.

::

    tree = parse_requirement('FREE_CPU > 50 & ARCH = "x86*"')
    evaluate_requirement(tree, lookup)  # lookup(name) gives all values of an attribute, none when missing

A scheduler that evaluates over columns of many hosts walks the tree itself; :mod:`nodes` is its grammar.
"""

from opennebula_core.model.expressions.nodes import (
    Always,
    And,
    Arithmetic,
    Comparison,
    Constant,
    Lookup,
    Negated,
    Not,
    Operator,
    Or,
    Rank,
    Requirement,
    Variable,
    variables,
)
from opennebula_core.model.expressions.patterns import compile_pattern
from opennebula_core.model.expressions.rank import evaluate_rank, parse_rank, to_rank
from opennebula_core.model.expressions.requirement import evaluate_requirement, parse_requirement, read_number

__all__ = [
    "Always",
    "And",
    "Arithmetic",
    "Comparison",
    "Constant",
    "Lookup",
    "Negated",
    "Not",
    "Operator",
    "Or",
    "Rank",
    "Requirement",
    "Variable",
    "compile_pattern",
    "evaluate_rank",
    "evaluate_requirement",
    "parse_rank",
    "parse_requirement",
    "read_number",
    "to_rank",
    "variables",
]
