"""The auth driver ``ssh``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from opennebula_auth_ssh.keys import read_private_key, read_public_key, stored_form
from opennebula_auth_ssh.secrets import check, sign
from opennebula_core.contracts.auth import AuthDriver, Credentials, Identity, KeyFiles
from opennebula_core.errors import DriverError

DEFAULT_KEYS: Final = ("id_ed25519", "id_rsa")


class SshAuth(AuthDriver):
    """Lets in whoever has the private key that belongs to the stored public one."""

    def authenticate(self, credentials: Credentials) -> Identity:
        """Check that the secret is signed by the user's key, for him, and not over.

        :raises DriverError: it is not, or the user is not known: then there is no key to check against
        """
        if credentials.user_id < 0:
            raise DriverError(
                f"log in {credentials.name!r}: he is not known; an administrator makes him, with the key "
                f"that 'oneuser key' prints"
            )
        check(read_public_key(credentials.stored), credentials.name, credentials.secret, time.time())
        return Identity(credentials.name, credentials.stored)

    @classmethod
    def login_secret(cls, name: str, expiry: int, files: KeyFiles) -> str:
        """Return a secret that the user's private key signed."""
        return sign(read_private_key(_key_file(files), files.passphrase), name, expiry)

    @classmethod
    def public_secret(cls, files: KeyFiles) -> str:
        """Return the public key as it is stored."""
        return stored_form(read_private_key(_key_file(files), files.passphrase).public_key())


def _key_file(files: KeyFiles) -> Path:
    if files.key is not None:
        return files.key
    folder = Path.home() / ".ssh"
    for name in DEFAULT_KEYS:
        if (folder / name).is_file():
            return folder / name
    raise DriverError(
        f"find your key: there is no {' or '.join(DEFAULT_KEYS)} in {folder}; name it with --key"
    )
