"""Benchmarks: ``python -m bench`` measures the real programs and prints the figures beside OpenNebula's."""
