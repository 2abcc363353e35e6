"""The published test kit: what the project's own tests, and those of plugins, are written with."""
