"""``one plugin``."""

from __future__ import annotations

from opennebula_core.cli.application import command_group
from opennebula_core.cli.plugin.checking import check
from opennebula_core.cli.plugin.creation import new
from opennebula_core.cli.plugin.listing import list_plugins, show
from opennebula_core.cli.plugin.switching import disable, enable

plugin = command_group("plugin", "What is installed: drivers, policies, plugins.")
for command in (list_plugins, show, new, check, enable, disable):
    plugin.add_command(command)
