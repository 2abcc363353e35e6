"""Plans that balance or pack the VMs of a cluster: computed in a process of its own, over the API."""
