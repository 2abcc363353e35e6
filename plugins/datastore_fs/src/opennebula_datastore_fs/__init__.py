"""Image datastores in a directory of the front-end."""
