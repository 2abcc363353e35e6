"""Drivers of each kind that need no hypervisor, no network and no disk: for trials, tests, simulations."""
