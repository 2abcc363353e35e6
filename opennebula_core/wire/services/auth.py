"""Authentication drivers as a process."""

from __future__ import annotations

import base64
import binascii
from typing import Final, cast

from opennebula_core.contracts.auth import AuthDriver, Credentials
from opennebula_core.errors import DriverError, DriverNotFoundError
from opennebula_core.wire.framing import RequestLine
from opennebula_core.wire.services.report import WireReport
from opennebula_core.wire.services.service import Job, Service

UNKNOWN_USER: Final = -1


class AuthService(Service):
    """Checks credentials with the driver that the request names. Source: 6.10-auth.txt."""

    kind = "auth"

    def load(self) -> None:
        """Load the driver that the process was started for; others follow when a request names them."""
        self.drivers.get(self.kind, self.name)

    def job(self, request: RequestLine, report: WireReport) -> Job:
        """Understand AUTHENTICATE and AUTHORIZE."""
        match request.action, request.words:
            case "AUTHENTICATE", (user_id, driver, user, password, secret):
                credentials = _credentials(user_id, user, password, secret)
                return Job("", lambda: self._authenticate(driver, credentials))
            case "AUTHORIZE", (_, *_, decision):
                return Job("", lambda: _authorize(decision))
            case (("AUTHENTICATE" | "AUTHORIZE"), _):
                raise DriverError(
                    f"{request.action} {request.object_id}: wrong number of words; "
                    f"expected USER_ID DRIVER USER PASSWORD SECRET, as OpenNebula 6.x sends"
                )
            case _:
                raise NotImplementedError

    async def _authenticate(self, name: str, credentials: Credentials) -> str:
        try:
            driver = cast(AuthDriver, self.drivers.get(self.kind, name))
        except DriverNotFoundError as error:
            raise DriverError(f"Authentication driver {name!r} not available: {error}") from error
        identity = await self.drivers.call("", driver.authenticate, credentials)
        if credentials.user_id != UNKNOWN_USER:
            return ""
        groups = (f"{'*' if gid in identity.admin_of else ''}{gid}" for gid in identity.group_ids)
        return " ".join((name, identity.name, identity.password or "-", *groups))


async def _authorize(decision: str) -> str:
    """Agree with the core, which has evaluated its rules: 1 is yes. Source: 6.10-auth.txt."""
    if decision != "1":
        raise DriverError("-")
    return ""


def _credentials(user_id: str, user: str, password: str, secret: str) -> Credentials:
    try:
        plain = "" if secret == "-" else base64.b64decode(secret, validate=True).decode()
        return Credentials(int(user_id), user, password, plain)
    except (binascii.Error, ValueError) as error:
        raise DriverError(f"AUTHENTICATE of user {user!r}: its words are damaged: {error}") from None
