"""Discovery, loading and calling of everything that other packages add."""

from __future__ import annotations

from opennebula_core.plugins.calls import ask, ask_each, chain, gather, notify
from opennebula_core.plugins.description import Description
from opennebula_core.plugins.discovery import PluginInfo, describe, installed, load_driver
from opennebula_core.plugins.hooks import HookManager, PluginFailure, create_hook_manager
from opennebula_core.plugins.status import PluginStatus, describe_all

__all__ = [
    "Description",
    "HookManager",
    "PluginFailure",
    "PluginInfo",
    "PluginStatus",
    "ask",
    "ask_each",
    "chain",
    "create_hook_manager",
    "describe",
    "describe_all",
    "gather",
    "installed",
    "load_driver",
    "notify",
]
