"""Requirements: which hosts, datastores or networks will do.

::

    expression := VARIABLE operator VALUE | expression & expression | expression | expression
                | ! expression | ( expression ) | (nothing: true)
    operator   := =  !=  >  <  @>

``!``, ``&`` and ``|`` have the same precedence and associate to the left. Source: OpenNebula 6.10.
"""

from __future__ import annotations

import re

from opennebula_core.model.expressions.lexer import TokenStream
from opennebula_core.model.expressions.nodes import (
    Always,
    And,
    Comparison,
    Lookup,
    Not,
    Operator,
    Or,
    Requirement,
)
from opennebula_core.model.expressions.patterns import compile_pattern

_NUMBER = re.compile(r"\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")


def parse_requirement(text: str) -> Requirement:
    """Return the tree of a requirement.

    :raises ExpressionError: the text does not follow the grammar; with the column
    """
    stream = TokenStream(text)
    if stream.take_if("end"):
        return Always()
    tree, _ = _expression(stream, 0)
    if stream.next.kind != "end":
        raise stream.unexpected("&", "|", "end of expression")
    return tree


def evaluate_requirement(tree: Requirement, lookup: Lookup) -> bool:
    """Return whether the object whose attributes ``lookup`` gives meets the requirement."""
    match tree:
        case Comparison():
            return _compare(tree, lookup)
        case And(terms=terms):
            return all(evaluate_requirement(term, lookup) for term in terms)
        case Or(terms=terms):
            return any(evaluate_requirement(term, lookup) for term in terms)
        case Not(operand=operand):
            return not evaluate_requirement(operand, lookup)
        case Always():
            return True


def read_number(text: str) -> float | None:
    """Return the number that an attribute begins with, None when it begins with none."""
    match = _NUMBER.match(text)
    return float(match[1]) if match else None


def _expression(stream: TokenStream, outer: int) -> tuple[Requirement, int]:
    """Return the tree of a chain of terms, and its depth."""
    first, depth = _term(stream, outer)
    terms: list[Requirement] = [first]
    kind: type[And] | type[Or] | None = None
    while sign := stream.take_if("&", "|"):
        wanted = And if sign.kind == "&" else Or
        if kind is not wanted:
            terms = [kind(tuple(terms))] if kind else terms
            kind, depth = wanted, depth + 1
        term, term_depth = _term(stream, outer)
        terms.append(term)
        depth = stream.check_depth(max(depth, term_depth + 1))
    return (kind(tuple(terms)) if kind else first), depth


def _term(stream: TokenStream, outer: int) -> tuple[Requirement, int]:
    stream.check_depth(outer)
    if stream.take_if("!"):
        operand, depth = _term(stream, outer + 1)
        return Not(operand), depth + 1
    if stream.take_if("("):
        tree, depth = _expression(stream, outer + 1)
        stream.expect(")")
        return tree, depth + 1
    if stream.next.kind != "text" or not stream.next.text:
        raise stream.unexpected("variable", "!", "(")
    return _comparison(stream), 1


def _comparison(stream: TokenStream) -> Comparison:
    variable = stream.take().text
    sign = stream.take_if("=", ">", "<", "!", "@")
    if sign is None:
        raise stream.unexpected("=", "!=", ">", "<", "@>")
    if sign.kind == "!":
        operator = Operator("!" + stream.expect("=").kind)
    elif sign.kind == "@":
        operator = Operator("@" + stream.expect(">").kind)
    else:
        operator = Operator(sign.kind)
    if number := stream.take_if("number"):
        return Comparison(variable, operator, float(number.text))
    if operator in (Operator.GREATER, Operator.LESS):
        raise stream.unexpected("number")
    if stream.next.kind != "text":
        raise stream.unexpected("number", "text")
    return Comparison(variable, operator, stream.take().text)


def _compare(comparison: Comparison, lookup: Lookup) -> bool:
    values = lookup(comparison.variable)
    wanted = comparison.value
    if not values or wanted == "":
        return False
    if isinstance(wanted, str):
        matches = compile_pattern(wanted).match
        if comparison.operator is Operator.CONTAINS:
            return any(matches(value) is not None for value in values)
        return (matches(values[0]) is not None) is (comparison.operator is Operator.EQUAL)
    if comparison.operator is Operator.CONTAINS:
        return any(read_number(value) == wanted for value in values)
    number = read_number(values[0])
    return number is not None and _compare_numbers(number, comparison.operator, wanted)


def _compare_numbers(number: float, operator: Operator, wanted: float) -> bool:
    match operator:
        case Operator.EQUAL:
            return number == wanted
        case Operator.NOT_EQUAL:
            return number != wanted
        case Operator.GREATER:
            return number > wanted
        case _:
            return number < wanted
