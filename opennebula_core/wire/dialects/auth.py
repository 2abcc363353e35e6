"""How authentication drivers are asked: the secret behind a protocol word, plain, or in base64."""

from __future__ import annotations

import base64
from typing import Final

from opennebula_core.errors import DriverError
from opennebula_core.wire.dialects.base import Dialect, Release
from opennebula_core.wire.requests import AuthRequest, Request

DRIVER_WORD_SINCE: Final[Release] = (3, 2)
BASE64_SINCE: Final[Release] = (6, 0)


class AuthDialect(Dialect):
    """``AUTHENTICATE RID UID [DRIVER] USER PASSWORD SECRET``. Source: 3.0-auth.txt to 7.4-auth.txt."""

    kind = "auth"

    @property
    def actions(self) -> frozenset[str]:
        """The core decides on rights itself: AUTHORIZE is never asked."""
        return frozenset({"AUTHENTICATE"})

    @property
    def resend_safe(self) -> frozenset[str]:
        """Looking at credentials changes nothing."""
        return self.actions

    def encode(self, request: Request) -> str:
        """Return the line; from 6.0 it ends with a blank, as that core's does."""
        assert isinstance(request, AuthRequest)
        words = [str(request.user_id)]
        if self.release >= DRIVER_WORD_SINCE:
            words.append(request.driver)
        words += [request.user, request.password or "-"]
        if self.release >= BASE64_SINCE:
            words += [base64.b64encode(request.secret.encode()).decode() or "-", ""]
        elif self.release >= DRIVER_WORD_SINCE:
            words.append(request.secret)
        else:
            words.append(f"{request.driver}:{request.secret}")
        if any(c.isspace() for word in words for c in word):
            raise DriverError(
                f"authentication of user {request.user!r}: name, password or secret hold a blank, which this "
                f"driver's dialect cannot carry; use none, or a driver of OpenNebula 6.0 or newer"
            )
        return f"{self.head('AUTHENTICATE', request.request_id)} {' '.join(words)}"
