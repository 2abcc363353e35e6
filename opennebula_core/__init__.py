"""The kernel of the cloud manager: contracts, discovery, store, managers, API and tools.

The rooms and the direction of their imports are fixed in ``docs/architecture.md``; a test walks them.
"""

__version__ = "0.1.0"
