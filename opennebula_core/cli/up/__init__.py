"""``one up`` and ``one down``: a cloud on this machine with a first VM, and its end."""

from __future__ import annotations

from opennebula_core.cli.up.ending import down
from opennebula_core.cli.up.starting import up

__all__ = ["down", "up"]
