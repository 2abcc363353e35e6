"""A lease manager as scheduling policy: reservations, queue, immediate leases."""

from opennebula_sched_haizea.policy import HaizeaPolicy

__all__ = ["HaizeaPolicy"]
