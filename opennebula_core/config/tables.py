"""From a TOML table to a section: types, limits, and the nearest known word for a misspelt one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import Field, fields
from typing import Any, TypeVar, get_origin, get_type_hints

from opennebula_core.config.options import TYPE_WORDS, coerced, has_type, nearest
from opennebula_core.config.settings import RULE, Rule

S = TypeVar("S")

_TWICE = re.compile(
    r"(?:Cannot declare \((?P<names>.*)\) twice|Cannot overwrite a value) "
    r"\(at line (?P<line>\d+), column \d+\)"
)
"""Source: CPython 3.11 to 3.13 tomllib; other wordings are passed on as they are."""


def declared_settings(section: type) -> dict[str, Rule]:
    """Return the settings of a section and their rules, in the order of declaration."""
    return {item.name: item.metadata[RULE] for item in fields(section) if RULE in item.metadata}


def setting_type(section: type, name: str) -> type:
    """Return ``str``, ``int``, ``float``, ``bool`` or ``tuple`` (of texts)."""
    hint: type = get_type_hints(section)[name]
    return get_origin(hint) or hint


def syntax_problem(error: str, text: str) -> str:
    """Return what is wrong with a text that is no TOML, in words of the file: what stands twice, and where.

    :param error: what ``tomllib`` says
    """
    found = _TWICE.fullmatch(error)
    if found is None:
        return error
    line = int(found["line"])
    lines = text.splitlines()
    if found["names"] is None:
        return f"line {line} sets again what an earlier line has set: {lines[line - 1].strip()!r}"
    name = ".".join(re.findall(r"'([^']*)'", found["names"]))
    heading = re.compile(rf"\s*\[\s*{re.escape(name)}\s*\]")
    places = [number for number, item in enumerate(lines[: line - 1], 1) if heading.match(item)]
    before = f"; it begins in line {places[0]}" if places else ""
    return f"section [{name}] stands again in line {line}{before}: put all its settings under one heading"


class TableReader:
    """Reads tables and gathers everything that is wrong with them, so that one run shows all of it."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def table(self, value: object, path: str) -> Mapping[str, Any]:
        """Return ``value`` when it is a table, else note the problem and return an empty one."""
        if isinstance(value, dict):
            return value
        self.problems.append(f"{path!r} is a value, not a section; write [{path}] above its settings")
        return {}

    def unknown(self, path: str, key: str, known: Iterable[str]) -> None:
        """Note a key that nothing reads."""
        prefix = f"{path}." if path else ""
        names = sorted(known)
        meant = nearest(key, names)
        hint = f"did you mean {prefix + meant!r}?" if meant else f"there are {', '.join(names)}"
        self.problems.append(f"unknown setting {prefix + key!r}; {hint}")

    def section(
        self, section: type[S], value: object, path: str, extra: Mapping[str, Any] | None = None
    ) -> S:
        """Return the section that the table describes; a setting that is wrong keeps its default.

        :param extra: fields that are no settings, such as free options
        """
        rules = declared_settings(section)
        found: dict[str, Any] = dict(extra or {})
        for key, item in self.table(value, path).items():
            if key in found:
                continue
            if key not in rules:
                self.unknown(path, key, rules)
            elif problem := self._problem(item, setting_type(section, key), rules[key]):
                self.problems.append(f"setting {path}.{key!s} is {item!r}: {problem}")
            else:
                found[key] = _value(item, setting_type(section, key))
        return section(**found)

    def options(self, value: object, path: str) -> dict[str, str | int | float | bool]:
        """Return a table of free options: texts, numbers and booleans."""
        found: dict[str, str | int | float | bool] = {}
        for key, item in self.table(value, path).items():
            if isinstance(item, str | int | float | bool):
                found[key] = item
            else:
                self.problems.append(
                    f"option {path}.{key} is {item!r}: not a text, a number, true or false; correct it"
                )
        return found

    @staticmethod
    def _problem(value: object, type_: type, rule: Rule) -> str:
        """Say what is wrong with a value and what would be right; empty when nothing is."""
        if type_ is tuple:
            right = isinstance(value, list) and all(isinstance(item, str) for item in value)
            return "" if right else f"not {TYPE_WORDS[tuple]}; such as {['one', 'two']}"
        if not has_type(value, type_):
            return f"not {TYPE_WORDS[type_]}; {rule.help}"
        if rule.choices and value not in rule.choices:
            return f"not one of {', '.join(rule.choices)}; choose one"
        if rule.pattern and not re.fullmatch(rule.pattern, str(value)):
            return f"not {rule.expected}; {rule.help}"
        return _limit_problem(value, rule)


def _limit_problem(value: object, rule: Rule) -> str:
    if not isinstance(value, int | float):
        return ""
    if value != value or value in (float("inf"), float("-inf")):
        return "not a number that can be used; " + rule.help
    if rule.minimum is not None and value < rule.minimum:
        return f"less than {rule.minimum:g}; {rule.help}"
    if rule.maximum is not None and value > rule.maximum:
        return f"more than {rule.maximum:g}; {rule.help}"
    return ""


def _value(value: Any, type_: type) -> Any:
    return tuple(value) if type_ is tuple else coerced(value, type_)


def default_of(section: type, name: str) -> object:
    """Return the default of a setting."""
    item: Field[Any] = next(item for item in fields(section) if item.name == name)
    return item.default
