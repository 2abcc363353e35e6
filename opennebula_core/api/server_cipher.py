"""Session texts of server users: who is meant, when the token is good.

``server_user:target_user:TOKEN64`` or ``server_user:target_user:group_id:TOKEN64``. The token is AES-256-CBC
over ``server_user:target_user:expiry``; key and initialisation vector are the first 32 and 16 characters of
the hex SHA-256 digest of the server user's password. Source: OpenNebula's server_cipher driver.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_DIGITS: Final = re.compile(r"[0-9]{1,12}")
_AES_BLOCK_BITS: Final = 128
_NO_GROUP: Final = -1


@dataclass(frozen=True, slots=True)
class ServerCall:
    """What a server user's session text asks for.

    :param group_id: the only group of the call; -1 when none was named
    :param expiry: epoch seconds
    """

    target: str
    group_id: int
    expiry: int


def read_server_session(name: str, stored: str, secret: str, now: int) -> ServerCall | None:
    """Return what the session text of the server user ``name`` asks for, None when it is not good.

    :param stored: the server user's PASSWORD, a SHA-256 hex digest
    :param secret: what follows the first colon
    """
    parts = secret.split(":")
    if len(parts) not in (2, 3) or not _DIGEST.fullmatch(stored):
        return None
    group_text = parts[1] if len(parts) == 3 else ""
    if group_text and not _DIGITS.fullmatch(group_text):
        return None
    fields = (_decrypt(stored, parts[-1]) or "").split(":")
    if len(fields) != 3 or fields[0] != name or fields[1] != parts[0] or not _DIGITS.fullmatch(fields[2]):
        return None
    expiry = int(fields[2])
    if expiry <= now:
        return None
    return ServerCall(parts[0], int(group_text) if group_text else _NO_GROUP, expiry)


def _decrypt(digest: str, token: str) -> str | None:
    try:
        sealed = base64.b64decode(token, validate=True)
        cipher = Cipher(algorithms.AES(digest[:32].encode()), modes.CBC(digest[:16].encode())).decryptor()
        padded = cipher.update(sealed) + cipher.finalize()
        unpadder = PKCS7(_AES_BLOCK_BITS).unpadder()
        return (unpadder.update(padded) + unpadder.finalize()).decode()
    except (binascii.Error, ValueError):  # no base64, no whole block, wrong padding, no UTF-8
        return None
