"""The contract of authentication drivers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from opennebula_core.contracts.driver import Driver
from opennebula_core.errors import DriverError


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
    """Who it is, as the driver says; used to make an unknown user on first sight.

    :param password: kept as his PASSWORD, and given to the driver at each login; no blanks, ``-`` for nothing
    :param group_ids: the primary group first; none: the group users
    :param admin_of: those of them that he is to be an admin of
    """

    name: str
    password: str
    group_ids: tuple[int, ...] = ()
    admin_of: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """What somebody proves himself with, on his own machine.

    :param key: file of the private key; None: where the driver's users keep it
    :param certificates: file of the certificates, his own first; None likewise
    :param passphrase: asks for the key's passphrase; called only if it has one
    """

    key: Path | None
    certificates: Path | None
    passphrase: Callable[[], str]


class AuthDriver(Driver):
    """Decides whether credentials are right.

    The class methods are the other side of it: ``oneuser login`` and ``oneuser key`` call them on the machine
    of the user, where no driver runs. Drivers whose users just type a password leave them alone.
    """

    @abstractmethod
    def authenticate(self, credentials: Credentials) -> Awaitable[Identity] | Identity:
        """Return who it is.

        :raises DriverError: the credentials are wrong; the message is logged, never shown to the caller
        """

    @classmethod
    def login_secret(cls, name: str, expiry: int, files: KeyFiles) -> str:
        """Return a secret that proves who somebody is until ``expiry`` (epoch seconds).

        :raises DriverError: it cannot be made: no key, wrong passphrase, ...
        """
        raise DriverError(f"log in {name!r}: users of {cls.__name__} log in by password; leave out its name")

    @classmethod
    def public_secret(cls, files: KeyFiles) -> str:
        """Return what an administrator stores as the PASSWORD of the user who has these files.

        :raises DriverError: it cannot be read
        """
        raise DriverError(f"read the public key: users of {cls.__name__} have passwords; see oneuser create")
