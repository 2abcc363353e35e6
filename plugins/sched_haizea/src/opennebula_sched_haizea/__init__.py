"""A lease manager as scheduling policy: reservations, queue, immediate leases."""
