"""The driver's side of the protocol: each kind's requests become calls of contract methods."""
