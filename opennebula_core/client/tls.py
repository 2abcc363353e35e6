"""Which servers the client trusts: by their authorities, or one by its very certificate."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

from opennebula_core.errors import ClientError

_BEGIN: Final = "-----BEGIN CERTIFICATE-----"
_END: Final = "-----END CERTIFICATE-----"


def trusting_authorities(folder: str | None) -> ssl.SSLContext:
    """Return a context that takes servers whose authority the system trusts, or who are in a folder.

    :param folder: authorities in PEM files, or as ``openssl rehash`` lays them out
    :raises ClientError: a file there cannot be used
    """
    context = ssl.create_default_context()
    if folder is not None:
        context.load_verify_locations(capath=folder)
        for path in sorted(Path(folder).glob("*")):
            if path.suffix in (".pem", ".crt"):
                context.load_verify_locations(cadata=_certificates(path))
    return context


class PinnedServer:
    """A server that is known by its certificate, whatever its name; for programs of the same installation.

    :param path: the server's certificate file; it is read again when it changes
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = (0, 0)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    def context(self) -> ssl.SSLContext:
        """Return a context that takes this server alone.

        :raises ClientError: the file cannot be read
        """
        try:
            found = self._path.stat()
        except OSError as error:
            raise _unreadable(self._path, error.strerror or "") from None
        stamp = (found.st_mtime_ns, found.st_ino)
        if stamp != self._stamp:
            self._context = _pinning(_certificates(self._path))
            self._stamp = stamp
        return self._context


def _pinning(certificates: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    # The first one alone, and as an anchor: its authority could have issued more of them.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=certificates.partition(_END)[0] + _END)
    return context


def _certificates(path: Path) -> str:
    """Return the certificates of a file, without what may stand before and between them."""
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise _unreadable(path, error.strerror or "") from None
    found = [part.partition(_END)[0] for part in text.split(_BEGIN)[1:]]
    if not found:
        raise _unreadable(path, "it holds no certificate in PEM")
    return "\n".join(f"{_BEGIN}{part}{_END}" for part in found)


def _unreadable(path: Path, reason: str) -> ClientError:
    return ClientError(f"read certificate {str(path)!r}: {reason}; correct the file or remove it")
