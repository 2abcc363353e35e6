"""Users of auth drivers: the driver is asked about their secrets, and about names that nobody knows."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Awaitable
from datetime import timedelta
from typing import Final, Protocol

from opennebula_core.db.store import Store
from opennebula_core.errors import ConfigError, DriverError, InternalError, PluginError
from opennebula_core.managers.access.newcomers import parse_newcomer, welcome
from opennebula_core.model.names import check_name
from opennebula_core.model.objects import User
from opennebula_core.wire.redaction import without
from opennebula_core.wire.requests import AuthRequest, Reply

LOG = logging.getLogger(__name__)

MAX_ASKED: Final = 64
"""Questions that may be open; a further login is refused unheard."""
TIMEOUT: Final = timedelta(seconds=60)
"""A caller waits for the answer. Source: OpenNebula 6.10, AuthManager."""
_UNKNOWN: Final = -1


class AuthDrivers(Protocol):
    """Asks an authentication driver; the driver pool does."""

    def request(self, kind: str, name: str, request: AuthRequest, *, timeout: timedelta) -> Awaitable[Reply]:
        """Return the driver's answer."""


class DriverLogins:
    """Logins that a driver decides on. What goes wrong is logged, and the login refused.

    :param default: the driver that is asked about unknown names; empty: there is none
    """

    def __init__(self, store: Store, drivers: AuthDrivers, default: str = "") -> None:
        self.default = default
        self._store = store
        self._drivers = drivers
        self._request_ids = itertools.count()
        self._asked = 0

    async def is_right(self, user: User, secret: str) -> bool:
        """Return whether the user's driver takes the secret."""
        return await self._ask(user.auth_driver, user.id, user.name, user.password, secret) is not None

    async def introduce(self, name: str, secret: str) -> User | None:
        """Return the user that the default driver makes of an unknown name, None for nobody."""
        try:
            check_name(name, allow_blanks=False)
        except InternalError:
            return None
        answer = await self._ask(self.default, _UNKNOWN, name, "-", secret)
        if answer is None:
            return None
        try:
            newcomer = parse_newcomer(answer)
            return await self._store.write(lambda tx: welcome(tx, newcomer))
        except (DriverError, InternalError) as error:
            LOG.error("user %r: auth driver %r knows him, but: %s", name, self.default, error)
            return None

    async def _ask(self, driver: str, user_id: int, name: str, stored: str, secret: str) -> str | None:
        """Return what the driver says of the right secret, None when it is wrong."""
        if self._asked >= MAX_ASKED:
            LOG.warning("auth driver %r: %d logins wait for it; one is refused unheard", driver, self._asked)
            return None
        request = AuthRequest(next(self._request_ids), user_id, driver, name, stored, secret)
        self._asked += 1
        try:
            reply = await self._drivers.request("auth", driver, request, timeout=TIMEOUT)
        except (ConfigError, DriverError, PluginError) as error:
            LOG.error("user %r: auth driver %r cannot be asked: %s", name, driver, error)
            return None
        finally:
            self._asked -= 1
        if not reply.success:
            # A program from outside may well repeat what it was given.
            LOG.info("user %r: auth driver %r says: %s", name, driver, without(reply.info, [secret]))
            return None
        return reply.info
