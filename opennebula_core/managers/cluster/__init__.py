"""The cluster manager: hosts, datastores and networks that belong together."""
