"""The hooks that plugins may implement: around driver actions, scheduling, and the core's own life.

A plugin author imports :data:`impl` and decorates functions named like the hooks with it. The hooks are
declared in ``driver``, ``scheduler`` and ``manager``; each tells when it is called and what its result means.
"""

from __future__ import annotations

from typing import Final

import pluggy

PROJECT = "opennebula"
spec = pluggy.HookspecMarker(PROJECT)
impl = pluggy.HookimplMarker(PROJECT)

IN_TRANSACTION: Final = frozenset({"opennebula_add_plan_steps", "opennebula_check_quota"})
"""Hooks that are called by the writer, inside a transaction: everybody else waits for them."""

__all__ = ["IN_TRANSACTION", "PROJECT", "impl", "spec"]
