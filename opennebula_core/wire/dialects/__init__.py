"""Dialects: how OpenNebula's core and drivers spoke, release by release, as strategies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from opennebula_core.errors import ConfigError
from opennebula_core.wire.dialects.auth import AuthDialect
from opennebula_core.wire.dialects.base import NEWEST, Dialect, Release, parse_release
from opennebula_core.wire.dialects.datastore import datastore_dialect
from opennebula_core.wire.dialects.im import im_dialect
from opennebula_core.wire.dialects.tm import TmDialect
from opennebula_core.wire.dialects.vmm import OwnVmmDialect, vmm_dialect

__all__ = ["Dialect", "dialect_for", "own_dialect"]

_DIALECTS: Final[Mapping[str, Callable[[Release], Dialect]]] = {
    "vmm": vmm_dialect,
    "tm": TmDialect,
    "im": im_dialect,
    "datastore": datastore_dialect,
    "auth": AuthDialect,
}


def dialect_for(kind: str, release: str) -> Dialect:
    """Return how an executable of a kind is spoken to.

    :param release: the OpenNebula release that the program was written for, such as ``4.14``
    :raises ConfigError: the kind runs in no process of its own, or the text is no release
    """
    if kind not in _DIALECTS:
        raise ConfigError(
            f"drivers of the kind {kind!r} run in no process of their own; there are "
            f"{', '.join(sorted(_DIALECTS))}"
        )
    return _DIALECTS[kind](parse_release(release))


def own_dialect(kind: str) -> Dialect:
    """Return how our own drivers of a kind are spoken to.

    :raises ConfigError: the kind runs in no process of its own
    """
    return OwnVmmDialect() if kind == "vmm" else dialect_for(kind, f"{NEWEST[0]}.{NEWEST[1]}")
