"""The command line: one module for each command group, over the client; loaded only when called."""
