"""The hooks that plugins may implement: around driver actions, scheduling, and the core's own life.

A plugin author imports :data:`impl` and decorates functions named like the hooks with it.
"""

import pluggy

PROJECT = "opennebula"
spec = pluggy.HookspecMarker(PROJECT)
impl = pluggy.HookimplMarker(PROJECT)

__all__ = ["PROJECT", "impl", "spec"]
