"""A certificate's subject as one word, which is stored with the user."""

from __future__ import annotations

from typing import Final

from cryptography import x509

_SHORT: Final = {
    "1.2.840.113549.1.9.1": "emailAddress",
    "2.5.4.4": "SN",
    "2.5.4.5": "serialNumber",
    "2.5.4.12": "title",
    "2.5.4.42": "GN",
    "2.5.4.46": "dnQualifier",
}
"""Names of OpenSSL for what RFC 4514 has none for."""


def subject_of(certificate: x509.Certificate) -> str:
    r"""Return the subject, such as ``/C=ES/CN=Alice\x20Smith``. Source: OpenNebula 6.10, x509_auth.

    A slash within a value is written ``\x2f``, so that no value passes for several; a backslash ``\x5c``, so
    that none passes for another.
    """
    return "".join(f"/{'+'.join(map(_part, part))}" for part in certificate.subject.rdns)


def _part(attribute: x509.NameAttribute[str | bytes]) -> str:
    oid = attribute.oid.dotted_string
    name = _SHORT.get(oid) or (
        oid if attribute.rfc4514_attribute_name == oid else attribute.rfc4514_attribute_name
    )
    value = attribute.value if isinstance(attribute.value, bytes) else attribute.value.encode()
    return f"{name}={''.join(map(_shown, value))}"


def _shown(byte: int) -> str:
    character = chr(byte)
    if character in "/|\\":
        return f"\\x{byte:02x}"
    if character == " ":
        return "\\x20"
    return character if 32 < byte < 127 else f"\\x{byte:02X}"
