"""Ranks: which of the hosts, datastores or networks that will do is best; the highest wins.

::

    expression := VARIABLE | number | expression + - * / expression | - expression | ( expression )

Source: OpenNebula 6.10. A minus in front takes a whole product: ``- A * B`` is ``-(A * B)``.
"""

from __future__ import annotations

import math
from typing import Final

from opennebula_core.model.expressions.lexer import TokenStream
from opennebula_core.model.expressions.nodes import Arithmetic, Constant, Lookup, Negated, Rank, Variable
from opennebula_core.model.expressions.requirement import read_number

_LOWEST: Final = -(2**31)
_HIGHEST: Final = 2**31 - 1


def parse_rank(text: str) -> Rank:
    """Return the tree of a rank; the empty text ranks everything 0.

    :raises ExpressionError: the text does not follow the grammar; with the column
    """
    stream = TokenStream(text)
    if stream.take_if("end"):
        return Constant(0.0)
    tree, _ = _sum(stream, 0)
    if stream.next.kind != "end":
        raise stream.unexpected("+", "-", "*", "/", "end of expression")
    return tree


def evaluate_rank(tree: Rank, lookup: Lookup) -> int:
    """Return the rank of the object whose attributes ``lookup`` gives."""
    return to_rank(_value(tree, lookup))


def to_rank(value: float) -> int:
    """Return a value as a rank: truncated, within 32 bits; what is no number counts 0."""
    if math.isnan(value):
        return 0
    return int(min(max(value, _LOWEST), _HIGHEST))


def _value(tree: Rank, lookup: Lookup) -> float:
    match tree:
        case Constant(value=value):
            return value
        case Variable(name=name):
            values = lookup(name)
            return (read_number(values[0]) or 0.0) if values else 0.0
        case Negated(operand=operand):
            return -_value(operand, lookup)
        case Arithmetic(operator=operator, left=left, right=right):
            return _apply(operator, _value(left, lookup), _value(right, lookup))


def _apply(operator: str, left: float, right: float) -> float:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case _:
            if right:
                return left / right
            return math.copysign(math.inf, left) if left else math.nan


def _sum(stream: TokenStream, outer: int) -> tuple[Rank, int]:
    tree, depth = _product(stream, outer)
    while sign := stream.take_if("+", "-"):
        right, right_depth = _product(stream, outer)
        tree, depth = Arithmetic(sign.kind, tree, right), stream.check_depth(max(depth, right_depth) + 1)
    return tree, depth


def _product(stream: TokenStream, outer: int) -> tuple[Rank, int]:
    tree, depth = _operand(stream, outer)
    while sign := stream.take_if("*", "/"):
        right, right_depth = _operand(stream, outer)
        tree, depth = Arithmetic(sign.kind, tree, right), stream.check_depth(max(depth, right_depth) + 1)
    return tree, depth


def _operand(stream: TokenStream, outer: int) -> tuple[Rank, int]:
    stream.check_depth(outer)
    if stream.take_if("-"):
        operand, depth = _product(stream, outer + 1)
        return Negated(operand), depth + 1
    if stream.take_if("("):
        tree, depth = _sum(stream, outer + 1)
        stream.expect(")")
        return tree, depth + 1
    if number := stream.take_if("number"):
        return Constant(float(number.text)), 1
    if stream.next.kind != "text" or not stream.next.text:
        raise stream.unexpected("variable", "number", "-", "(")
    return Variable(stream.take().text), 1
