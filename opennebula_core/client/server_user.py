"""Calls in the name of others: the session texts of ``server_cipher`` users.

A module of its own, so that the command line does not pay for importing the cipher.
Source: OpenNebula's server_cipher authentication, as its web front-ends speak it.
"""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from opennebula_core.client.client import DEFAULT_TIMEOUT_S, Client

TOKEN_LIFETIME_S: Final = 1800
_RENEW_BEFORE_S: Final = 300
_AES_BLOCK_BITS: Final = 128


def server_token(name: str, password: str, target: str, expiry: int) -> str:
    """Return the session text by which the server user ``name`` calls as ``target`` until ``expiry``."""
    digest = hashlib.sha256(password.encode()).hexdigest()
    padder = PKCS7(_AES_BLOCK_BITS).padder()
    padded = padder.update(f"{name}:{target}:{expiry}".encode()) + padder.finalize()
    # The protocol fixes key and initialisation vector so; the token's expiry is all that varies.
    cipher = Cipher(algorithms.AES(digest[:32].encode()), modes.CBC(digest[:16].encode())).encryptor()
    token = base64.b64encode(cipher.update(padded) + cipher.finalize()).decode()
    return f"{name}:{target}:{token}"


class ServerSession:
    """A session of a server user, renewed before it expires; call it for the text."""

    def __init__(self, name: str, password: str, target: str) -> None:
        self._name = name
        self._password = password
        self._target = target
        self._lock = threading.Lock()
        self._text = ""
        self._expiry = 0

    def __call__(self) -> str:
        """Return a session text that is good for some minutes at least."""
        now = int(time.time())
        with self._lock:
            if now > self._expiry - _RENEW_BEFORE_S:
                self._expiry = now + TOKEN_LIFETIME_S
                self._text = server_token(self._name, self._password, self._target, self._expiry)
            return self._text


def server_client(
    endpoint: str, name: str, password: str, target: str, *, timeout_s: float = DEFAULT_TIMEOUT_S
) -> Client:
    """Return a client that calls as ``target`` in the name of the server user ``name``."""
    return Client(endpoint, ServerSession(name, password, target), timeout_s=timeout_s)
