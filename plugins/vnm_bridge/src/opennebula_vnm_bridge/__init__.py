"""Linux bridges for virtual networks."""

from opennebula_vnm_bridge.driver import BridgeDriver

__all__ = ["BridgeDriver"]
