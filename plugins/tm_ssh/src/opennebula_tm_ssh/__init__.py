"""Moves disk images between front-end and hosts over ssh."""
