"""The security group manager: named sets of firewall rules."""
