"""``python -m opennebula_core.testing.kvmlab``."""

from __future__ import annotations

from opennebula_core.testing.kvmlab.cli import kvmlab

kvmlab(prog_name="kvmlab")
