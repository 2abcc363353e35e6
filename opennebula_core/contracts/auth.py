"""The contract of authentication drivers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable
from dataclasses import dataclass

from opennebula_core.contracts.driver import Driver


@dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody shows at the door.

    :param user_id: -1 when the cloud does not know the name yet
    :param stored: the user's PASSWORD as stored, ``-`` when unknown
    :param secret: what came after the first colon of the session text
    """

    user_id: int
    name: str
    stored: str
    secret: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who it is, as the driver says; used to make an unknown user on first sight."""

    name: str
    password: str
    group_ids: tuple[int, ...] = ()


class AuthDriver(Driver):
    """Decides whether credentials are right."""

    @abstractmethod
    def authenticate(self, credentials: Credentials) -> Awaitable[Identity] | Identity:
        """Return who it is.

        :raises DriverError: the credentials are wrong; the message is logged, never shown to the caller
        """
