"""The VM manager: what may be done to a VM, the plans that do it, and what their outcomes mean."""
