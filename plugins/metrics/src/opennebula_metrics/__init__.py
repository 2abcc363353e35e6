"""Prometheus metrics of a cloud, its hosts and its VMs, as a plugin: nothing of it is in the core."""
