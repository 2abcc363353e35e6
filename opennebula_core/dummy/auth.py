"""The dummy authentication driver: everybody is who they say."""

from __future__ import annotations

from typing import ClassVar

from opennebula_core.contracts.auth import AuthDriver, Credentials, Identity
from opennebula_core.contracts.driver import DriverContext, Option
from opennebula_core.dummy.behaviour import OPTIONS, Act, Behaviour


class DummyAuth(AuthDriver):
    """Accepts any secret; for tests only."""

    options: ClassVar[tuple[Option, ...]] = OPTIONS

    def __init__(self, context: DriverContext) -> None:
        super().__init__(context)
        self._behaviour = Behaviour("auth", self)

    async def authenticate(self, credentials: Credentials) -> Identity:
        """Return the name that was given, with the secret as password."""
        await self._behaviour.before(Act("AUTHENTICATE", credentials.user_id))
        return Identity(credentials.name, credentials.secret)
