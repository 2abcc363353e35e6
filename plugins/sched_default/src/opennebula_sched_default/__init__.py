"""The matchmaking scheduler."""

from opennebula_sched_default.policy import DefaultPolicy

__all__ = ["DefaultPolicy"]
