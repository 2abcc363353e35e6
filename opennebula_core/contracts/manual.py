"""The manual's pages of contracts, drawn from their declarations: one for each kind.

``python -m opennebula_core.contracts.manual docs/plugins/contracts`` writes them.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any, Final

CONTRACTS: Final[Mapping[str, str]] = {
    "driver": "Driver",
    "vmm": "VmmDriver",
    "tm": "TmDriver",
    "im": "ImDriver",
    "vnm": "VnmDriver",
    "datastore": "DatastoreDriver",
    "auth": "AuthDriver",
    "scheduler": "SchedulerPolicy",
    "manager": "ManagerRegistry",
    "method": "Method",
    "event": "StateChange",
    "plan": "PlanStep",
}
"""Module of ``opennebula_core.contracts`` -> the class that its page is about."""


def pages() -> dict[str, str]:
    """Return the pages by the names of their files."""
    return {f"{name}.md": _page(name, main) for name, main in CONTRACTS.items()}


def signature_text(function: Any, name: str) -> str:
    """Return a method's exact signature on one line, without ``self``."""
    signature = inspect.signature(function)
    shown = []
    for parameter in signature.parameters.values():
        if parameter.name in ("self", "cls"):
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in shown:
            shown.append("*")
        default = "" if parameter.default is parameter.empty else f" = {_value(parameter.default)}"
        star = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
        shown.append(f"{star}{parameter.name}: {parameter.annotation}{default}")
    return f"{name}({', '.join(shown)}) -> {signature.return_annotation}"


def _page(name: str, main: str) -> str:
    module = importlib.import_module(f"opennebula_core.contracts.{name}")
    contract = getattr(module, main)
    parts = [f"# `contracts.{name}`\n", _markdown(inspect.cleandoc(module.__doc__ or ""))]
    parts += _class(contract)
    for other in _classes(module):
        if other is not contract:
            parts += _class(other)
    parts.append(f"This page is drawn from `opennebula_core/contracts/{name}.py`.\n")
    return "\n".join(parts)


def _classes(module: ModuleType) -> list[type]:
    """Return the public classes of a module, and what it gives out of others, in the order of their names."""
    given_out = getattr(module, "__all__", ())
    found = [
        value
        for name, value in inspect.getmembers(module, inspect.isclass)
        if not name.startswith("_") and (value.__module__ == module.__name__ or name in given_out)
    ]
    return sorted(found, key=lambda value: value.__name__)


def _class(value: type) -> Iterator[str]:
    yield f"## `{value.__name__}`\n"
    yield _markdown(inspect.cleandoc(value.__doc__ or ""))
    if issubclass(value, Enum):
        if any(" " in str(item.value) for item in value):  # what they mean
            yield "".join(f"- `{item.name}`: {item.value}\n" for item in value)
        else:
            yield ", ".join(f"`{item.name}`" for item in value) + "\n"
        return
    if is_dataclass(value):
        yield "".join(f"- `{item.name}: {item.type}{_default(item)}`\n" for item in fields(value))
    for name, member in vars(value).items():
        yield from _member(value, name, member)


def _member(owner: type, name: str, member: object) -> Iterator[str]:
    if name.startswith("_"):
        return
    if isinstance(member, property) and member.fget is not None:
        yield f"### `{name}: {inspect.signature(member.fget).return_annotation}`\n"
        yield _markdown(inspect.cleandoc(member.__doc__ or ""))
    elif inspect.isfunction(member) or isinstance(member, classmethod | staticmethod):
        function = getattr(member, "__func__", member)
        needed = name in getattr(owner, "__abstractmethods__", ())
        yield f"### `{signature_text(function, name)}`\n"
        yield ("Must be defined. " if needed else "") + _markdown(inspect.cleandoc(function.__doc__ or ""))


def _default(item: Field[Any]) -> str:
    if item.default is not MISSING:
        return f" = {_value(item.default)}"
    return f" = {_value(item.default_factory())}" if item.default_factory is not MISSING else ""


def _value(value: object) -> str:
    text = repr(value)
    return text if " at 0x" not in text and "<" not in text else "..."


def _markdown(text: str) -> str:
    """Return a docstring as Markdown: its fields as a list."""
    text = re.sub(r":(?:class|meth|attr|mod|data|func):`[~.]*([^`]+)`", r"`\1`", text)
    text = re.sub(r"^:param (\w+):\s*", r"- `\1`: ", text.replace("``", "`"), flags=re.MULTILINE)
    text = re.sub(r"^:(returns|ivar \w+):\s*", r"- \1: ", text, flags=re.MULTILINE)
    return re.sub(r"^:raises (\w+):\s*", r"- raises `\1`: ", text, flags=re.MULTILINE).rstrip() + "\n"


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in pages().items():
        (folder / file).write_text(text, encoding="utf-8")
