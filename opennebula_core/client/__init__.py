"""The XML-RPC client: what the command line, the scheduler and tools call the API with."""

from opennebula_core.client.client import Client
from opennebula_core.client.environment import client_from_environment

__all__ = ["Client", "client_from_environment"]
