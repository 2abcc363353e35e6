"""The ASCII protocol between the core and its drivers: framing, dialects, and both its sides."""
