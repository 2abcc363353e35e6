"""Secrets that a key has signed: ``NAME:EXPIRY``.

With RSA the signed text itself is in the signature, as OpenNebula's driver has it (PKCS #1 v1.5 without a
digest): its command line logs in here, and ours there. With Ed25519, which that driver does not know, the
signature of a text with a prefix of its own follows the text. Both are in base64.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo

from opennebula_auth_ssh.keys import PrivateKey, PublicKey
from opennebula_core.errors import DriverError

_PURPOSE: Final = b"opennebula login by ssh key\n"
"""Part of what Ed25519 signs: a signature for something else is no login."""
_ED25519_BYTES: Final = 64


def sign(key: PrivateKey, name: str, expiry: int) -> str:
    """Return the secret of a user until ``expiry`` (epoch seconds)."""
    text = f"{name}:{expiry}".encode()
    if isinstance(key, RSAPrivateKey):
        signed = key.sign(text, PKCS1v15(), NoDigestInfo())
    else:
        signed = text + key.sign(_PURPOSE + text)
    return base64.b64encode(signed).decode()


def check(key: PublicKey, name: str, secret: str, now: float) -> None:
    """Check that a secret was signed by the key, for the user, and is not over.

    :raises DriverError: it is not so; the message says nothing of the secret
    """
    try:
        signed_name, _, expiry = _signed_text(key, base64.b64decode(secret, validate=True)).rpartition(":")
        is_over = now >= int(expiry)
    except (binascii.Error, InvalidSignature, ValueError):
        raise DriverError(f"log in {name!r}: the secret was not signed by his key") from None
    if signed_name != name:
        raise DriverError(f"log in {name!r}: the secret was signed for another user")
    if is_over:
        raise DriverError(f"log in {name!r}: the login has expired; log in again with 'oneuser login --ssh'")


def _signed_text(key: PublicKey, signed: bytes) -> str:
    if isinstance(key, RSAPublicKey):
        return key.recover_data_from_signature(signed, PKCS1v15(), None).decode()
    text, signature = signed[:-_ED25519_BYTES], signed[-_ED25519_BYTES:]
    key.verify(signature, _PURPOSE + text)
    return text.decode()
