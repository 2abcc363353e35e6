"""The contract of virtual network drivers, which run inside the VMM driver's process."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Sequence

from opennebula_core.contracts.driver import Driver
from opennebula_core.contracts.vmm import Guest
from opennebula_core.model.template import Vector


class VnmDriver(Driver):
    """Prepares a host's networks for a guest. Each method may be repeated."""

    @abstractmethod
    def pre(self, guest: Guest, nics: Sequence[Vector]) -> Awaitable[None] | None:
        """Make what the NICs plug into (bridges, VLANs), before the guest starts.

        :param nics: the guest's NICs whose VN_MAD is this driver; BRIDGE, MAC, TARGET and the rest
        """

    def post(self, guest: Guest, nics: Sequence[Vector]) -> Awaitable[None] | None:
        """Set up what needs the guest's interfaces to be there; called once it runs."""
        return None

    def update_sg(self, guest: Guest, nics: Sequence[Vector]) -> Awaitable[None] | None:
        """Put the rules of the security groups in force as they are now, on a guest that runs.

        The rules are the template's SECURITY_GROUP_RULE vectors; which of them are for a NIC say its
        SECURITY_GROUPS, and :func:`opennebula_core.model.security_rules.read_rule` reads them. The default is
        for drivers that filter nothing.
        """
        return None

    @abstractmethod
    def clean(self, guest: Guest, nics: Sequence[Vector]) -> Awaitable[None] | None:
        """Undo pre and post when the guest has left the host."""
