"""The matchmaking scheduler."""
