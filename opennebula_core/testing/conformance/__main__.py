"""``python -m opennebula_core.testing.conformance``: what ``onedriver check`` runs."""

from __future__ import annotations

from opennebula_core.testing.conformance.command import check

if __name__ == "__main__":
    check(prog_name="onedriver check")
