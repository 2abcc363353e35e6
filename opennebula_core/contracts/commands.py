"""Commands that other packages add to the programs: found by entry points, and imported when they are called.

Importing this module must stay cheap, for programs import it at each start.
"""

from __future__ import annotations

import importlib
from typing import Any, Final

from opennebula_core.errors import PluginError

ONE: Final = "opennebula.cli"
"""The group of entry points whose commands join ``one``."""

ONESCHED: Final = "opennebula.onesched"
"""The group of entry points whose commands join ``onesched``."""


def added_commands(group: str, **selection: str) -> Any:
    """Return the entry points of a group; reading metadata is too slow for the start of a program.

    :param selection: ``name``, to have only the commands of that name
    """
    metadata = importlib.import_module("importlib.metadata")
    return metadata.entry_points(group=group, **selection)


def load_added(entry: Any) -> Any:
    """Import what an entry point names, a command of another package.

    :raises PluginError: that fails; the message names the package
    """
    try:
        return entry.load()
    except Exception as error:  # the border to foreign code: importing runs it
        package = entry.dist.name if entry.dist is not None else entry.value
        raise PluginError(
            f"load command {entry.name!r} of {package}: {type(error).__name__}: {error}; "
            f"upgrade it, or uninstall it"
        ) from error
