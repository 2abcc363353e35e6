"""The manager of network templates: they are kept, copied, and made into networks."""
