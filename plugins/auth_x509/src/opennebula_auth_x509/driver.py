"""The auth driver ``x509``."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from opennebula_auth_x509.authorities import Authorities
from opennebula_auth_x509.files import read_certificates, read_private_key
from opennebula_auth_x509.logins import check, pack, unpack
from opennebula_auth_x509.subject import subject_of
from opennebula_core.contracts.auth import AuthDriver, Credentials, Identity, KeyFiles
from opennebula_core.contracts.driver import Option
from opennebula_core.errors import DriverError


class X509Auth(AuthDriver):
    """Lets in whoever has the key of a certificate with the stored subject, of a trusted authority."""

    options: ClassVar[tuple[Option, ...]] = (
        Option(
            "ca_folder", str, "auth/certificates", "folder of authorities and revocation lists, below etc/"
        ),
        Option("require_crl", bool, False, "an authority without a revocation list lets nobody in"),
    )

    def authenticate(self, credentials: Credentials) -> Identity:
        """Check the signature, the subject, and the certificate.

        :raises DriverError: one of them is wrong, or the user is not known: then no subject is stored
        """
        name, now = credentials.name, time.time()
        if credentials.user_id < 0:
            raise DriverError(
                f"log in {name!r}: he is not known; an administrator makes him, with the subject that "
                f"'oneuser key --driver x509' prints"
            )
        signed, certificates = unpack(name, credentials.secret)
        check(certificates[0], signed, name, now)
        subject = subject_of(certificates[0])
        if not subject or subject not in credentials.stored.split("|"):
            raise DriverError(
                f"log in {name!r}: his certificate is for {subject or 'nobody'}; that is not what is stored"
            )
        authorities = Authorities.of(self._folder(), require_crl=bool(self.setting("require_crl")))
        authorities.check(certificates, datetime.fromtimestamp(now, UTC))
        return Identity(name, credentials.stored)

    def _folder(self) -> Path:
        return self.driver_context.location / "etc" / str(self.setting("ca_folder"))

    @classmethod
    def login_secret(cls, name: str, expiry: int, files: KeyFiles) -> str:
        """Return a secret with the user's certificates, which the private key signed."""
        certificates = read_certificates(_certificate_file(files))
        key = read_private_key(_key_file(files), files.passphrase)
        if key.public_key() != certificates[0].public_key():
            raise DriverError(
                f"use key {str(_key_file(files))!r}: it is not the key of the first certificate"
            )
        return pack(key, certificates, name, expiry)

    @classmethod
    def public_secret(cls, files: KeyFiles) -> str:
        """Return the certificate's subject."""
        return subject_of(read_certificates(_certificate_file(files))[0])


def _certificate_file(files: KeyFiles) -> Path:
    return files.certificates or Path.home() / ".globus" / "usercert.pem"


def _key_file(files: KeyFiles) -> Path:
    return files.key or Path.home() / ".globus" / "userkey.pem"
