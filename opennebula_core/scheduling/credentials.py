"""As whom the scheduler calls the API."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path

from opennebula_core.client import Client, client_from_environment
from opennebula_core.client.environment import SERVER_CERTIFICATE, read_session
from opennebula_core.client.server_user import ServerSession
from opennebula_core.config import Config


def connect(config: Config, endpoint: str = "", environ: Mapping[str, str] | None = None) -> Client:
    """Return a client that calls as the server user, which can do what the scheduler needs and no more.

    The server user's secret is taken from ``ONE_CIPHER_AUTH``, else from ``var/.one/sched_auth``. Where there
    is neither, as with a front-end of OpenNebula's that gives its administrator's session to the scheduler,
    the session of ``ONE_AUTH`` is used.

    :param endpoint: empty: ``ONE_XMLRPC``, else the cloud of the configuration
    :raises ConfigError: there are no credentials, or they cannot be read
    """
    variables = dict(os.environ if environ is None else environ)
    named = endpoint or variables.get("ONE_XMLRPC", "")
    endpoint = named or config.endpoint
    pinned = None if named else config.server_certificate
    cipher_file = Path(variables.get("ONE_CIPHER_AUTH") or config.location.scheduler_auth_file)
    if cipher_file.is_file() or variables.get("ONE_CIPHER_AUTH"):
        return Client(
            endpoint,
            ServerUserFile(cipher_file),
            certificate_folder=variables.get("ONE_CERT_DIR") or None,
            server_certificate=pinned,
        )
    variables["ONE_XMLRPC"] = endpoint
    if pinned is not None:
        variables[SERVER_CERTIFICATE] = str(pinned)
    variables.setdefault("ONE_LOCATION", str(config.location))
    return client_from_environment(variables)


class ServerUserFile:
    """Sessions of the server user whose ``name:secret`` a file holds; call it for a session text.

    The file is read again when it changes: a core that starts anew from an empty database writes another one.

    :raises ConfigError: the file cannot be read or holds no ``name:secret``
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._read_from = self._stamp()
        self._session = self._read()

    def __call__(self) -> str:
        """Return a session text that is good for some minutes at least."""
        with self._lock:
            stamp = self._stamp()
            if stamp != self._read_from:
                self._session = self._read()
                self._read_from = stamp
            return self._session()

    def _stamp(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except OSError:  # reading it will say what is wrong
            return (0, 0)
        return found.st_mtime_ns, found.st_ino

    def _read(self) -> ServerSession:
        name, _, secret = read_session(self._path).partition(":")
        return ServerSession(name, secret, name)
