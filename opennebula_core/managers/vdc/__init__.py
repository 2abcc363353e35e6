"""The manager of virtual data centres: groups, and the resources that they may use by way of access rules."""
