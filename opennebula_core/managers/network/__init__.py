"""The network manager: virtual networks, their address ranges and leases."""
