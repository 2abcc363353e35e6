"""Keys: private ones from files, public ones as they are stored with a user."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
    load_ssh_private_key,
)

from opennebula_core.errors import DriverError

PrivateKey = RSAPrivateKey | Ed25519PrivateKey
PublicKey = RSAPublicKey | Ed25519PublicKey

MIN_RSA_BITS: Final = 2048
MAX_FILE_BYTES: Final = 64 << 10


def read_private_key(path: Path, passphrase: Callable[[], str]) -> PrivateKey:
    """Return the key that a file holds, in OpenSSH's form or PEM.

    :param passphrase: called if the key is encrypted
    :raises DriverError: it cannot be read, or is of a kind that is not used here
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES)
    except OSError as error:
        raise DriverError(f"read key {str(path)!r}: {error.strerror}; name another one with --key") from None
    load = load_ssh_private_key if b"OPENSSH PRIVATE KEY" in data else load_pem_private_key
    try:
        try:
            key = load(data, None)
        except TypeError:  # it is encrypted
            key = load(data, passphrase().encode())
    except (ValueError, UnsupportedAlgorithm):
        raise DriverError(
            f"read key {str(path)!r}: it is no private key, or the passphrase is wrong; try again"
        ) from None
    if isinstance(key, RSAPrivateKey) and key.key_size >= MIN_RSA_BITS:
        return key
    if isinstance(key, Ed25519PrivateKey):
        return key
    raise DriverError(
        f"use key {str(path)!r}: it is neither Ed25519 nor RSA of {MIN_RSA_BITS} bits; ssh-keygen makes one"
    )


def stored_form(key: PublicKey) -> str:
    """Return a public key as a user's PASSWORD: PEM without its first and last line and line breaks."""
    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def read_public_key(stored: str) -> PublicKey:
    """Return the key that was stored.

    :raises DriverError: it is none
    """
    try:
        key = load_der_public_key(base64.b64decode(stored, validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        raise DriverError("the stored PASSWORD is no public key; store what 'oneuser key' prints") from None
    if isinstance(key, RSAPublicKey) and key.key_size >= MIN_RSA_BITS:
        return key
    if isinstance(key, Ed25519PublicKey):
        return key
    raise DriverError("the stored public key is too short or of another kind; store an Ed25519 or RSA key")
