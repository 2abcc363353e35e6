"""Certificates and keys in files, in PEM."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from opennebula_core.errors import DriverError

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey
MAX_FILE_BYTES: Final = 256 << 10


def read(path: Path) -> bytes:
    """Return what a file holds.

    :raises DriverError: it cannot be read
    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES)
    except OSError as error:
        raise DriverError(
            f"read {str(path)!r}: {error.strerror}; name other files with --cert and --key"
        ) from None


def read_certificates(path: Path) -> list[x509.Certificate]:
    """Return the certificates of a file, the user's own first.

    :raises DriverError: there are none
    """
    try:
        return x509.load_pem_x509_certificates(read(path))
    except ValueError:
        raise DriverError(f"read {str(path)!r}: it holds no certificates in PEM; name another file") from None


def read_private_key(path: Path, passphrase: Callable[[], str]) -> PrivateKey:
    """Return the key of a file.

    :param passphrase: called if the key is encrypted
    :raises DriverError: it cannot be read, or is of a kind that is not used here
    """
    data = read(path)
    try:
        try:
            key = load_pem_private_key(data, None)
        except TypeError:  # it is encrypted
            key = load_pem_private_key(data, passphrase().encode())
    except (ValueError, UnsupportedAlgorithm):
        raise DriverError(
            f"read key {str(path)!r}: it is no private key in PEM, or the passphrase is wrong; try again"
        ) from None
    if isinstance(key, PrivateKey):
        return key
    raise DriverError(f"use key {str(path)!r}: it is neither RSA nor of an elliptic curve; use another")
