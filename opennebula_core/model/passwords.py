"""Passwords as they are stored: ``scrypt$n=16384,r=8,p=5$<salt>$<key>``, salt and key in base64.

Users of the driver ``core`` are stored so. Server users keep the SHA-256 hex digest that their protocol makes
its cipher key from. Digests of users that were taken over from an OpenNebula database (SHA-256, SHA-1 of old
releases) are accepted too; whoever accepts one stores the password anew.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Final, Self

_STORED: Final = re.compile(
    r"scrypt\$n=(\d{1,8}),r=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+)"
)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}|[0-9a-f]{40}")
_SHA1_CHARACTERS: Final = 40
_SALT_BYTES: Final = 16
_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Cost:
    """How much work one check is. Memory: 128 * n * r bytes; time grows with all three.

    Source of the default: OWASP Password Storage Cheat Sheet, the variant with 16 MiB: a quarter of a second.
    """

    n: int = 1 << 14
    r: int = 8
    p: int = 5


@dataclass(frozen=True, slots=True)
class StoredPassword:
    """A stored scrypt key with what it was made with."""

    cost: Cost
    salt: bytes
    key: bytes

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return what ``text`` says, None when it is no stored scrypt key."""
        match = _STORED.fullmatch(text)
        if match is None:
            return None
        try:
            salt, key = base64.b64decode(match[4], validate=True), base64.b64decode(match[5], validate=True)
        except binascii.Error:
            return None
        return cls(Cost(int(match[1]), int(match[2]), int(match[3])), salt, key)

    def __str__(self) -> str:
        salt, key = base64.b64encode(self.salt).decode(), base64.b64encode(self.key).decode()
        return f"scrypt$n={self.cost.n},r={self.cost.r},p={self.cost.p}${salt}${key}"


def hash_password(password: str, cost: Cost | None = None) -> str:
    """Return ``password`` as it is stored. Takes a quarter of a second: call it before the writer."""
    chosen = cost or Cost()
    salt = secrets.token_bytes(_SALT_BYTES)
    return str(StoredPassword(chosen, salt, _derive(password, salt, chosen)))


def decoy(cost: Cost | None = None) -> str:
    """Return what looks like a stored password but is none's; checking against it takes as long as any."""
    return str(
        StoredPassword(cost or Cost(), secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_KEY_BYTES))
    )


def server_digest(password: str) -> str:
    """Return the password of a server user as it is stored: its SHA-256 hex digest."""
    return hashlib.sha256(password.encode()).hexdigest()


def is_password(stored: str, password: str) -> bool:
    """Return whether ``password`` is the one that was stored. Takes a quarter of a second.

    Source of the digests: OpenNebula 6.10 and 3.0, users of the driver core.
    """
    parsed = StoredPassword.parse(stored)
    if parsed is not None:
        return hmac.compare_digest(parsed.key, _derive(password, parsed.salt, parsed.cost))
    if not is_old_digest(stored):
        return False
    algorithm = hashlib.sha1 if len(stored) == _SHA1_CHARACTERS else hashlib.sha256
    return hmac.compare_digest(stored, algorithm(password.encode(), usedforsecurity=False).hexdigest())


def is_old_digest(stored: str) -> bool:
    """Return whether a password is stored as a mere digest, which is to be replaced."""
    return _DIGEST.fullmatch(stored) is not None


def is_stored_password(stored: str) -> bool:
    """Return whether a text is a stored password of any form, so that a user can log in by it."""
    return is_old_digest(stored) or StoredPassword.parse(stored) is not None


def _derive(password: str, salt: bytes, cost: Cost) -> bytes:
    needed_bytes = 128 * cost.r * (cost.n + cost.p + 2)
    return hashlib.scrypt(
        password.encode(), salt=salt, n=cost.n, r=cost.r, p=cost.p, maxmem=2 * needed_bytes, dklen=_KEY_BYTES
    )
