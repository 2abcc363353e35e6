"""The key of an installation under which login tokens are stored.

It lies in a file of its own, so that neither the database nor a backup of it is enough to log in with.
"""

from __future__ import annotations

import base64
import hmac
import logging
import os
import secrets
import time
from hashlib import sha256
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from opennebula_core.config.private_files import close_to_others
from opennebula_core.errors import ConfigError

LOG = logging.getLogger(__name__)

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class TokenKey:
    """Seals texts, and tells them apart without opening them.

    :param secret: 32 random bytes
    """

    def __init__(self, secret: bytes) -> None:
        self.id = self._part(secret, "id").hex()[:16]
        """Tells keys apart; says nothing of the key."""
        self._digest_key = self._part(secret, "digest")
        self._cipher = AESGCM(self._part(secret, "seal"))

    @classmethod
    def at(cls, path: Path) -> Self:
        """Return the key that a file holds; the first start makes it, readable by its owner alone.

        A damaged file is moved aside and a new key made: tokens are void then, passwords are not.

        :raises ConfigError: the file can be neither read nor written
        """
        try:
            secret = _read(path)
            if secret is None:
                secret = secrets.token_bytes(KEY_BYTES)
                _write(path, secret.hex())
        except OSError as error:
            raise ConfigError(
                f"key of the login tokens {str(path)!r}: {error.strerror}; it must be a file of oned's user"
            ) from error
        return cls(secret)

    def digest(self, user_id: int, text: str) -> str:
        """Return by what a user's text is found again."""
        return hmac.digest(self._digest_key, _context(user_id) + text.encode(), sha256).hex()

    def seal(self, user_id: int, text: str) -> str:
        """Return the text encrypted; only for the same user does it open again."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, text.encode(), _context(user_id))
        return base64.b64encode(nonce + sealed).decode()

    def open(self, user_id: int, sealed: str) -> str | None:
        """Return what was sealed, None when that was not under this key or for another user."""
        data = base64.b64decode(sealed)
        try:
            return self._cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], _context(user_id)).decode()
        except InvalidTag:
            return None

    @staticmethod
    def _part(secret: bytes, purpose: str) -> bytes:
        return hmac.digest(secret, f"opennebula login token {purpose}".encode(), sha256)


def _context(user_id: int) -> bytes:
    return f"user {user_id}\n".encode()


def _read(path: Path) -> bytes | None:
    """Return the secret, None when there is none that can be used."""
    try:
        text = path.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return None
    close_to_others(path)
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        secret = b""
    if len(secret) == KEY_BYTES:
        return secret
    aside = path.with_name(f"{path.name}.damaged-{int(time.time())}")
    path.rename(aside)
    LOG.error(
        "%s: it holds no key of %d hex characters; it was moved to %s and a new key made; restore the file "
        "from a backup, or let users make new tokens",
        path, 2 * KEY_BYTES, aside.name,
    )  # fmt: skip
    return None


def _write(path: Path, text: str) -> None:
    """Write a new file that is there as a whole or not at all."""
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
