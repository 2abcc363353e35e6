"""Skeletons of plugin packages, which ``one plugin new`` writes: one that works, to be changed."""

from __future__ import annotations

from opennebula_core.skeletons.writing import SKELETON_KINDS, write_package

__all__ = ["SKELETON_KINDS", "write_package"]
