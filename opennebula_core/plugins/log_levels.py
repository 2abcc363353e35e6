"""Levels of their own for the logs of plugins, ``[log.levels]``."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from opennebula_core.contracts.kinds import PLUGINS, group_of
from opennebula_core.plugins.discovery import KERNEL, installed


def apply_levels(levels: Mapping[str, str]) -> None:
    """Set the level of each logger that is named, or that belongs to a plugin which is named.

    Called once by each program, after its logging was set up.

    :param levels: plugin (``audit``), driver or policy (``vmm/kvm``) or logger -> level, such as ``debug``
    """
    for word, level in levels.items():
        logging.getLogger(logger_of(word)).setLevel(level.upper())


def logger_of(word: str) -> str:
    """Return the logger above all loggers of a plugin's package; a word that is none is a logger's name."""
    kind, _, name = word.rpartition("/")
    for info in installed(group_of(kind or PLUGINS)):
        if info.name == name:
            module = info.target.partition(":")[0]
            return module if info.distribution == KERNEL else module.partition(".")[0]
    return word
