"""The kinds of drivers and the entry-point groups in which packages offer them."""

from __future__ import annotations

from typing import Final

DRIVER_KINDS: Final = ("vmm", "tm", "im", "vnm", "datastore", "auth", "ipam")
"""What ``[drivers.KIND.NAME]`` and ``onedriver KIND NAME`` may name."""

SCHEDULER: Final = "scheduler"
CLI: Final = "cli"
PLUGINS: Final = "plugins"

PLUGIN_KINDS: Final = (*DRIVER_KINDS, SCHEDULER, CLI, PLUGINS)
"""Every kind of extension that a package may offer."""

GROUP_PREFIX: Final = "opennebula."


def group_of(kind: str) -> str:
    """Return the entry-point group of a kind, such as ``opennebula.vmm``."""
    return GROUP_PREFIX + kind


def plugin_word(kind: str, name: str) -> str:
    """Return how the configuration calls an extension where kinds are mixed: ``audit``, ``vmm/kvm``."""
    return name if kind == PLUGINS else f"{kind}/{name}"


def kind_of(group: str) -> str:
    """Return the kind that an entry-point group is for."""
    return group.removeprefix(GROUP_PREFIX)
