"""The method table: what is declared once becomes type checks, rights, documentation and tests."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from opennebula_core.api.xmlrpc import TYPE_FAULT, Fault
from opennebula_core.contracts.method import REQUIRED, Access, Method, Mode, Need, Param, Right
from opennebula_core.errors import PluginConflictError, PluginError

_TYPE_WORDS: Final = {int: "integer", str: "string", bool: "boolean", list: "array"}


@dataclass(frozen=True, slots=True)
class ParameterRule:
    """A parameter as dispatch checks it: its plain type, and the default where there is one."""

    name: str
    type: type
    default: object

    def accepts(self, value: object) -> bool:
        """Return whether ``value`` is of the type; a boolean is no integer here."""
        if type(value) is not self.type:
            return False
        return not isinstance(value, list) or all(type(item) is int for item in value)


@dataclass(frozen=True, slots=True)
class RightRule:
    """A right as dispatch checks it.

    :param position: of the parameter with the object's id; None for the pool itself
    """

    need: Need
    position: int | None
    heeds_lock: bool


class Entry:
    """A method of the table, ready to be called."""

    __slots__ = ("method", "parameters", "rights")

    def __init__(self, method: Method) -> None:
        self.method = method
        self.parameters = tuple(_parameter_rule(param) for param in method.params)
        self.rights: tuple[RightRule, ...] = ()
        if not isinstance(method.needs, Access):
            self.rights = tuple(_right_rule(method, need) for need in method.needs)

    def bind(self, given: Sequence[object]) -> tuple[object, ...]:
        """Return the method's parameters from what the caller sent behind the session text.

        Surplus values are dropped: clients rely on it.

        :raises Fault: one is missing or has the wrong type
        """
        values: list[object] = []
        position = 1
        for rule in self.parameters:
            if position >= len(given):
                if rule.default is REQUIRED:
                    raise Fault(TYPE_FAULT, "Not enough parameters")
                values.append(rule.default)
            else:
                value = given[position]
                if not rule.accepts(value):
                    raise wrong_type(rule.type)
                values.append(value)
            position += 1
        return tuple(values)


def wrong_type(expected: type) -> Fault:
    """Return the fault for a parameter that is not of the type ``expected``."""
    return Fault(TYPE_FAULT, f"Parameter that is supposed to be {_TYPE_WORDS[expected]} is not")


class MethodTable:
    """All methods that the API has, by name."""

    def __init__(self, methods: Iterable[Method] = ()) -> None:
        self._entries: dict[str, Entry] = {}
        for method in methods:
            self.register(method)

    def register(self, method: Method) -> None:
        """Add a method.

        :raises PluginError: its declaration is wrong: no right, a right about no parameter, ...
        :raises PluginConflictError: there is one of that name
        """
        if method.name in self._entries:
            raise PluginConflictError(
                f"method {method.name!r} is declared twice; rename one, or remove one of the plugins"
            )
        _check(method)
        self._entries[method.name] = Entry(method)

    def get(self, name: str) -> Entry | None:
        """Return the entry of that name, None when there is none."""
        return self._entries.get(name)

    def __iter__(self) -> Iterator[Method]:
        return (entry.method for entry in self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries


def _parameter_rule(param: Param) -> ParameterRule:
    plain: type = param.type if param.type in (int, str, bool) else list
    return ParameterRule(param.name, plain, param.default)


def _right_rule(method: Method, need: Need) -> RightRule:
    names = [param.name for param in method.params]
    position = None if need.param is None else names.index(need.param)
    # A locked object can still be looked at: info and listings come as POINT and READ.
    is_look = need.right is Right.USE and method.mode in (Mode.POINT, Mode.READ)
    return RightRule(need, position, heeds_lock=not (method.ignores_lock or is_look))


def _check(method: Method) -> None:
    for problem in _problems(method):
        raise PluginError(f"method {method.name!r} cannot be registered: {problem}; correct its declaration")


def _problems(method: Method) -> Iterator[str]:
    if not method.name.startswith("one."):
        yield "its name does not begin with 'one.'"
    if not method.needs:
        yield "it declares no right and no access"
    if not method.doc.strip():
        yield "it has no documentation"
    names = [param.name for param in method.params]
    if len(set(names)) != len(names):
        yield "two parameters have the same name"
    if not isinstance(method.needs, Access):
        for need in method.needs:
            if need.param is not None and need.param not in names:
                yield f"it needs a right on {need.param!r}, which is no parameter"
    optional = [param.default is not REQUIRED for param in method.params]
    if optional != sorted(optional):
        yield "a parameter without a default follows one with a default"
    if (method.mode is Mode.ASYNC) != inspect.iscoroutinefunction(_unwrapped(method)):
        yield "its handler must be 'async def' exactly when its mode is ASYNC"
    if method.prepare is not None and method.mode is not Mode.WRITE:
        yield "only methods that write have anything to prepare"
    if method.before is not None and (method.mode is not Mode.WRITE or method.prepare is not None):
        yield "only methods that write, and prepare nothing, have anything to wait for before"


def _unwrapped(method: Method) -> object:
    return getattr(method.handler, "func", method.handler)
