"""Monitors hosts and their guests over ssh."""
