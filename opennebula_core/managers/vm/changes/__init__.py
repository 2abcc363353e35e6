"""Changes to VMs that are there: their devices, capacity, configuration and snapshots."""
