"""How a hook or a contract's method is taken back: called, with a warning, until the next major version.

::

    @spec
    @deprecated(since="1.2", instead="opennebula_vm_placed")
    def opennebula_vm_deployed(vm_id: int) -> None: ...

Whoever implements it is told once, by name, when it is loaded. The rules stand in
``docs/plugins/compatibility.md``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

F = TypeVar("F", bound=Callable[..., object])

_MARK: Final = "opennebula_deprecation"


@dataclass(frozen=True, slots=True)
class Deprecation:
    """What is said to who still implements it.

    :param since: the version of the plugin API that deprecated it; it is called until the next major one
    :param instead: what does its work now, in words for an author
    """

    since: str
    instead: str

    @property
    def removed_in(self) -> str:
        """The first version in which it may be gone."""
        return f"{int(self.since.partition('.')[0]) + 1}.0"

    def warning(self, name: str) -> str:
        """Return the sentence about ``name``."""
        return (
            f"{name} is deprecated since plugin API {self.since} and goes with {self.removed_in}; "
            f"use {self.instead}"
        )


def deprecated(*, since: str, instead: str) -> Callable[[F], F]:
    """Mark a hook's declaration or a contract's method; stands under ``@spec``."""

    def mark(function: F) -> F:
        setattr(function, _MARK, Deprecation(since, instead))
        return function

    return mark


def deprecation_of(declared: object) -> Deprecation | None:
    """Return how a hook's declaration or a contract's method is marked, None: it is not."""
    found = getattr(declared, _MARK, None)
    return found if isinstance(found, Deprecation) else None


def deprecated_overrides(plugin: type, contract: type) -> Iterable[str]:
    """Yield a warning for each deprecated method of a contract that a class defines anew."""
    for name, declared in inspect.getmembers(contract):
        deprecation = deprecation_of(declared)
        if deprecation is not None and _function(getattr(plugin, name)) is not _function(declared):
            yield deprecation.warning(name)


def _function(member: object) -> object:
    """Return the function of a class method, which is another object each time that it is looked up."""
    return getattr(member, "__func__", member)
