"""The ``system.*`` methods of XML-RPC itself. They need no session.

Source: the XML-RPC introspection of xmlrpc-c, which OpenNebula's server is built on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from opennebula_core.api.methods import MethodTable, wrong_type
from opennebula_core.api.xmlrpc import NO_METHOD_FAULT, TYPE_FAULT, Fault
from opennebula_core.contracts.method import Method

MULTICALL: Final = "system.multicall"

_DOCUMENTATION: Final = {
    "system.capabilities": "Return what the server can do.",
    "system.listMethods": "Return the names of all methods.",
    "system.methodExist": "Return whether there is a method of that name.",
    "system.methodHelp": "Return what a method is for.",
    "system.methodSignature": "Return the types of a method's result and parameters.",
    MULTICALL: "Carry out several calls, given as structs with methodName and params.",
}
_TYPE_NAMES: Final = {int: "int", str: "string", bool: "boolean", list: "array"}


class Introspection:
    """Answers the ``system.*`` methods from the method table."""

    def __init__(self, table: MethodTable, version: str) -> None:
        self._table = table
        self._version = version
        self._by_name: dict[str, Callable[[list[object]], object]] = {
            "system.capabilities": self._capabilities,
            "system.listMethods": self._list_methods,
            "system.methodExist": self._method_exist,
            "system.methodHelp": self._method_help,
            "system.methodSignature": self._method_signature,
        }

    def call(self, name: str, params: list[object]) -> object:
        """Return the answer of a ``system.*`` method.

        :raises Fault: there is none of that name, or its parameter is missing or of the wrong type
        """
        method = self._by_name.get(name)
        if method is None:
            raise unknown_method(name)
        return method(params)

    def _capabilities(self, _params: list[object]) -> object:
        numbers = [int(part) if part.isdigit() else 0 for part in (*self._version.split("."), "0", "0")]
        return {
            "facility": "opennebula-core",
            "version_major": numbers[0],
            "version_minor": numbers[1],
            "version_point": numbers[2],
            "protocol_version": 2,
        }

    def _list_methods(self, _params: list[object]) -> object:
        return sorted((*(method.name for method in self._table), *_DOCUMENTATION))

    def _method_exist(self, params: list[object]) -> object:
        name = _name_in(params)
        return name in self._table or name in _DOCUMENTATION

    def _method_help(self, params: list[object]) -> object:
        name = _name_in(params)
        return _DOCUMENTATION[name] if name in _DOCUMENTATION else self._method(name).doc

    def _method_signature(self, params: list[object]) -> object:
        name = _name_in(params)
        if name in _DOCUMENTATION:
            return "undef"
        entry = self._table.get(name)
        if entry is None:
            raise unknown_method(name)
        return [["array", "string", *(_TYPE_NAMES[rule.type] for rule in entry.parameters)]]

    def _method(self, name: str) -> Method:
        entry = self._table.get(name)
        if entry is None:
            raise unknown_method(name)
        return entry.method


def unknown_method(name: str) -> Fault:
    """Return the fault for a method that does not exist."""
    return Fault(NO_METHOD_FAULT, f"Method '{name}' not defined")


def _name_in(params: list[object]) -> str:
    if not params:
        raise Fault(TYPE_FAULT, "Not enough parameters")
    name = params[0]
    if not isinstance(name, str):
        raise wrong_type(str)
    return name
