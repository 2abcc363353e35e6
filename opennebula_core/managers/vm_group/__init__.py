"""The manager of groups of VMs: roles, the rules between them, and the VMs that are in them."""
