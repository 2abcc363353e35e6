"""The authorities that may vouch for users, and what they have revoked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError

from opennebula_auth_x509.files import read
from opennebula_core.errors import DriverError

_LIST_BEGINS: Final = b"-----BEGIN X509 CRL-----"
_LIST = re.compile(_LIST_BEGINS + rb".*?-----END X509 CRL-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Authorities:
    """Certificates that are trusted, and revocation lists.

    :param require_crl: an authority of which there is no list vouches for nobody
    """

    certificates: tuple[x509.Certificate, ...]
    lists: tuple[x509.CertificateRevocationList, ...]
    require_crl: bool = False

    @classmethod
    def of(cls, folder: Path, *, require_crl: bool = False) -> Self:
        """Return what the PEM files of a folder hold.

        :raises DriverError: there is no authority, or a file cannot be read
        """
        certificates: list[x509.Certificate] = []
        lists: list[x509.CertificateRevocationList] = []
        for path in sorted(folder.glob("*")):
            data = read(path)
            try:
                if b"BEGIN CERTIFICATE" in data:
                    certificates += x509.load_pem_x509_certificates(data)
                lists += map(x509.load_pem_x509_crl, _revocation_lists(data))
            except ValueError as error:
                raise DriverError(f"read {str(path)!r}: {error}; correct the file or remove it") from None
        if not certificates:
            raise DriverError(f"no authority is trusted: there is no certificate in {folder}; put one there")
        return cls(tuple(certificates), tuple(lists), require_crl)

    def check(self, certificates: Sequence[x509.Certificate], now: datetime) -> None:
        """Check that a chain leads to an authority, all of it valid now and none of it revoked.

        :param certificates: the user's own first
        :raises DriverError: it does not
        """
        own, *others = certificates
        _check_usage(own)
        verifier = (
            PolicyBuilder()
            .store(Store(list(self.certificates)))
            .time(now)
            .extension_policies(
                ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=ExtensionPolicy.permit_all()
            )
            .build_client_verifier()
        )
        try:
            chain = verifier.verify(own, others).chain
        except VerificationError as error:
            raise DriverError(f"the certificate {own.subject.rfc4514_string()!r}: {error}") from None
        for certificate, issuer in pairwise(chain):
            self._check_revocation(certificate, issuer, now)

    def _check_revocation(
        self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime
    ) -> None:
        name = issuer.subject.rfc4514_string()
        found = [item for item in self.lists if item.issuer == issuer.subject]
        if not found and self.require_crl:
            raise DriverError(f"authority {name!r}: there is no revocation list of it; put one beside it")
        for item in found:
            if not item.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type] # the verifier took it
                raise DriverError(
                    f"authority {name!r}: its revocation list was signed by another; get it anew"
                )
            until = item.next_update_utc
            if until is not None and until < now:
                raise DriverError(f"authority {name!r}: its revocation list ended on {until}; get it anew")
            if item.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
                raise DriverError(f"the certificate {certificate.subject.rfc4514_string()!r} is revoked")


def _revocation_lists(data: bytes) -> list[bytes]:
    """Return all lists of a file: the library reads the first one only.

    :raises ValueError: one of them has no end
    """
    lists = _LIST.findall(data)
    if len(lists) != data.count(_LIST_BEGINS):
        raise ValueError("a revocation list has no end")
    return lists


def _check_usage(own: x509.Certificate) -> None:
    """Check that a certificate may be used for logins, where it says what it may be used for.

    :raises DriverError: it may not
    """
    try:
        usages = own.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return
    if not {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & set(usages):
        raise DriverError(
            f"the certificate {own.subject.rfc4514_string()!r} is not for logins; get one for clientAuth"
        )
