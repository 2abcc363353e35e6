"""Secrets that the key of a certificate has signed: ``NAME:EXPIRY``, with the certificates behind it.

The secret is the base64 of ``SIGNED:PEM:PEM...``. With RSA the signed text itself is in the signature, as
OpenNebula's driver has it (PKCS #1 v1.5 without a digest). With elliptic curves, which that driver does not
know, the signature of a text with a prefix of its own follows the text behind a zero byte.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from opennebula_auth_x509.files import PrivateKey
from opennebula_core.errors import DriverError

MAX_CERTIFICATES: Final = 8
MIN_RSA_BITS: Final = 2048
_PURPOSE: Final = b"opennebula login by certificate\n"
"""Part of what is signed: a signature for something else is no login."""


def pack(key: PrivateKey, certificates: Iterable[x509.Certificate], name: str, expiry: int) -> str:
    """Return the secret of a user until ``expiry`` (epoch seconds)."""
    text = f"{name}:{expiry}".encode()
    if isinstance(key, RSAPrivateKey):
        signed = key.sign(text, PKCS1v15(), NoDigestInfo())
    else:
        signed = text + b"\0" + key.sign(_PURPOSE + text, ECDSA(SHA256()))
    pems = (certificate.public_bytes(Encoding.PEM) for certificate in certificates)
    return base64.b64encode(b":".join((base64.b64encode(signed), *pems))).decode()


def unpack(name: str, secret: str) -> tuple[bytes, list[x509.Certificate]]:
    """Return what was signed, and the certificates.

    :raises DriverError: the secret is none
    """
    try:
        signed, *pems = base64.b64decode(secret, validate=True).split(b":")
        if 0 < len(pems) <= MAX_CERTIFICATES:
            return base64.b64decode(signed), [x509.load_pem_x509_certificate(pem) for pem in pems]
    except (binascii.Error, ValueError):
        pass
    raise DriverError(f"log in {name!r}: the secret is no signed text with certificates")


def check(certificate: x509.Certificate, signed: bytes, name: str, now: float) -> None:
    """Check that a text was signed by the certificate's key, for the user, and is not over.

    :raises DriverError: it is not so; the message says nothing of the secret
    """
    try:
        signed_name, _, expiry = _signed_text(certificate, signed).rpartition(":")
        is_over = now >= int(expiry)
    except (InvalidSignature, ValueError):
        raise DriverError(f"log in {name!r}: the secret was not signed by the certificate's key") from None
    if signed_name != name:
        raise DriverError(f"log in {name!r}: the secret was signed for another user")
    if is_over:
        raise DriverError(f"log in {name!r}: the login has expired; log in again with 'oneuser login --x509'")


def _signed_text(certificate: x509.Certificate, signed: bytes) -> str:
    key = certificate.public_key()
    if isinstance(key, RSAPublicKey) and key.key_size >= MIN_RSA_BITS:
        return key.recover_data_from_signature(signed, PKCS1v15(), None).decode()
    if isinstance(key, EllipticCurvePublicKey):
        text, _, signature = signed.partition(b"\0")
        key.verify(signature, _PURPOSE + text, ECDSA(SHA256()))
        return text.decode()
    raise InvalidSignature
