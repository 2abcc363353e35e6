"""The process in which ``describe_all`` imports plugins: one line of JSON for each, on its first output.

Run as ``python -m opennebula_core.plugins.probe GROUP NAME [GROUP NAME ...]``. Whatever a plugin prints goes
to the error output; whatever threads it starts do not keep the process.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

from opennebula_core.contracts.kinds import CLI, PLUGINS, group_of
from opennebula_core.errors import PluginError
from opennebula_core.plugins.description import Description
from opennebula_core.plugins.discovery import PluginInfo, describe, entry_points
from opennebula_core.plugins.hooks import HookManager, load_plugin


def describe_any(group: str, name: str) -> Description:
    """Load an extension of any kind and return what it says of itself; for plugins, the hooks it implements.

    :raises PluginError: it cannot be loaded
    """
    if group not in (group_of(PLUGINS), group_of(CLI)):
        return describe(group, name)
    entry = next((entry for entry in entry_points(group) if entry.name == name), None)
    if entry is None:
        raise PluginError(
            f"load {name!r} of {group}: it is not installed; install the package that offers it"
        )
    info = PluginInfo.of(entry)
    plugin = load_plugin(entry)
    manager = HookManager()
    hooks = manager.register(info, plugin) if group == group_of(PLUGINS) else ()
    return Description(
        info.kind,
        info.name,
        info.distribution,
        info.version,
        info.target,
        hooks,
        warnings=manager.deprecations(hooks),
    )


def main(arguments: Sequence[str]) -> int:
    """Describe each extension that is named; return the exit status."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for group, name in zip(arguments[::2], arguments[1::2], strict=True):
        try:
            answer = {"description": describe_any(group, name).to_json(), "error": ""}
        except PluginError as error:
            answer = {"description": "", "error": str(error)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    return 0


if __name__ == "__main__":
    status = main(sys.argv[1:])
    os._exit(status)  # threads that a plugin left running must not keep the process
