"""``onedriver check``: speaks the driver protocol to any program and reports where it does not keep it."""
