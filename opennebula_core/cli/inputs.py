"""User inputs of templates: what USER_INPUTS declares, asked for and checked."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.columns import printable
from opennebula_core.errors import OpenNebulaError

MANDATORY: Final = "M"
_NEXT: Final = re.compile(r",(?=[A-Za-z_][A-Za-z0-9_]*=)")
_CHOSEN: Final = ("list", "list-multiple")
_RANGES: Final = ("range", "range-float")
_RANGE: Final = re.compile(r"(-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)")
_YES, _NO = "YES", "NO"


class InputError(OpenNebulaError):
    """An input is missing, or is not what its template takes."""


@dataclass(frozen=True, slots=True)
class UserInput:
    """One input. Source: OpenNebula 6.10: ``M|TYPE|DESCRIPTION|OPTIONS|DEFAULT``.

    :param options: of a list, its choices separated by commas; of a range, ``FIRST..LAST``
    """

    name: str
    is_mandatory: bool
    kind: str
    description: str
    options: str
    default: str

    @classmethod
    def parse(cls, name: str, text: str) -> UserInput:
        """Return what a value of USER_INPUTS declares; parts that are missing are empty."""
        necessity, kind, description, options, default = (text.split("|", 4) + [""] * 5)[:5]
        return cls(
            name,
            necessity.strip().upper() == MANDATORY,
            kind.strip().lower() or "text",
            description.strip(),
            options.strip(),
            default.strip(),
        )

    def checked(self, value: str) -> str:
        """Return the value as the template takes it.

        :raises InputError: it is not what was declared
        """
        reason = self._refusal(value)
        if reason:
            raise InputError(f"input {self.name}: {value!r} {reason}; give another with --user-inputs")
        if self.kind == "boolean":
            return _YES if value.upper() == _YES else _NO
        if self.kind == "text64":
            return base64.b64encode(value.encode()).decode()
        return value

    def _refusal(self, value: str) -> str:
        """Return why a value cannot be, empty when it can."""
        if self.kind in ("number", "number-float", *_RANGES):
            return self._numeric_refusal(value)
        if self.kind in _CHOSEN:
            choices = self.options.split(",")
            given = value.split(",") if self.kind == "list-multiple" else [value]
            return "" if set(given) <= set(choices) else f"is none of {', '.join(choices)}"
        if self.kind == "boolean":
            return "" if value.upper() in (_YES, _NO) else "is neither YES nor NO"
        if self.kind == "fixed":
            return "" if value == self.default else f"may not be: it is always {self.default!r}"
        return ""

    def _numeric_refusal(self, value: str) -> str:
        try:
            number = float(value) if self.kind.endswith("float") else int(value)
        except ValueError:
            return "is no number" if self.kind.endswith("float") else "is no whole number"
        limits = _RANGE.fullmatch(self.options) if self.kind in _RANGES else None
        if limits is not None and not float(limits[1]) <= number <= float(limits[2]):
            return f"is not within {self.options}"
        return ""


def declared_inputs(template: Element | None) -> list[UserInput]:
    """Return the inputs that a template declares, in the order in which they shall be asked for."""
    vector = template.find("USER_INPUTS") if template is not None else None
    if template is None or vector is None:
        return []
    found = {item.tag: UserInput.parse(item.tag, item.text or "") for item in vector}
    order = [name.strip() for name in (template.findtext("INPUTS_ORDER") or "").split(",")]
    first = [found.pop(name) for name in order if name in found]
    return [*first, *found.values()]


def parse_inputs(words: Iterable[str]) -> dict[str, str]:
    """Return the values that ``NAME=VALUE,NAME=VALUE`` words give; a value may have commas.

    :raises click.BadParameter: one has no ``=``
    """
    found = {}
    for word in words:
        for part in _NEXT.split(word):
            name, equals, value = part.partition("=")
            if not equals or not name.strip():
                raise click.BadParameter(f"{part!r} is no input; write NAME=VALUE")
            found[name.strip().upper()] = value
    return found


def answers(inputs: Iterable[UserInput], given: Mapping[str, str], *, may_ask: bool) -> dict[str, str]:
    """Return the value of each input: as given, as answered, or the default.

    :param given: values by name
    :param may_ask: whether somebody is there who can be asked for what is not given
    :raises InputError: one that has to be given is not, or one is not what it shall be
    """
    found = {}
    for item in inputs:
        value = given.get(item.name)
        if value is None and may_ask and item.kind != "fixed":
            value = _asked(item)
        if value is None:
            value = item.default
        if value:
            found[item.name] = item.checked(value)
        elif item.is_mandatory:
            raise InputError(
                f"input {item.name} ({item.description or item.kind}) is needed; "
                f"give it as in --user-inputs {item.name}=VALUE, or answer with --interactive"
            )
    return found


def _asked(item: UserInput) -> str:
    """Return what a person answers, once it is what the input takes."""
    hint = f" ({item.options})" if item.options and item.kind in (*_CHOSEN, *_RANGES) else ""

    def check(value: str) -> str:
        if value or item.is_mandatory:
            try:
                item.checked(value)
            except InputError as error:
                raise click.UsageError(str(error)) from None
        return value

    default = item.default or (None if item.is_mandatory else "")
    # A template may be anybody's: it must not move the terminal's cursor.
    question = printable(f"{item.name}: {item.description or item.kind}{hint}")
    answer: str = click.prompt(
        question, default=default, value_proc=check,
        show_default=bool(default), hide_input=item.kind == "password", err=True,
    )  # fmt: skip
    return answer
