"""The dummy network driver: hosts whose networks need no preparation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from opennebula_core.contracts.driver import DriverContext, Option
from opennebula_core.contracts.vmm import Guest
from opennebula_core.contracts.vnm import VnmDriver
from opennebula_core.dummy.behaviour import OPTIONS, Act, Behaviour
from opennebula_core.model.template import Vector


class DummyVnm(VnmDriver):
    """Prepares nothing; takes as long and fails as often as it is told."""

    options: ClassVar[tuple[Option, ...]] = OPTIONS

    def __init__(self, context: DriverContext) -> None:
        super().__init__(context)
        self._behaviour = Behaviour("vnm", self)

    async def pre(self, guest: Guest, nics: Sequence[Vector]) -> None:
        """Make no bridge."""
        await self._before("PRE", guest)

    async def post(self, guest: Guest, nics: Sequence[Vector]) -> None:
        """Set nothing up."""
        await self._before("POST", guest)

    async def update_sg(self, guest: Guest, nics: Sequence[Vector]) -> None:
        """Filter nothing."""
        await self._before("UPDATE_SG", guest)

    async def clean(self, guest: Guest, nics: Sequence[Vector]) -> None:
        """Undo nothing."""
        await self._before("CLEAN", guest)

    async def _before(self, action: str, guest: Guest) -> None:
        await self._behaviour.before(Act(action, guest.vm_id, guest.host, guest.attempt))
