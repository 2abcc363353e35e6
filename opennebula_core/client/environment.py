"""A client as the environment describes it: ``ONE_XMLRPC``, ``ONE_AUTH``, ``ONE_LOCATION``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from opennebula_core.client.client import DEFAULT_TIMEOUT_S, Client
from opennebula_core.errors import ConfigError

SERVER_CERTIFICATE: Final = "ONE_SERVER_CERTIFICATE"
"""Variable that names the file of the certificate which the server has, when no other is to be taken."""
DEFAULT_ENDPOINT: Final = "http://127.0.0.1:2633/RPC2"


def client_from_environment(
    environment: Mapping[str, str] | None = None, *, session: str | None = None
) -> Client:
    """Return a client for the endpoint and the user that the environment names.

    :param environment: ``os.environ`` when None
    :param session: ``user:secret`` instead of the one that a file holds
    :raises ConfigError: there is no file with a session, or a setting makes no sense
    :raises ClientError: the endpoint is no address
    """
    variables = os.environ if environment is None else environment
    pinned = variables.get(SERVER_CERTIFICATE)
    return Client(
        variables.get("ONE_XMLRPC") or DEFAULT_ENDPOINT,
        session or read_session(auth_path(variables)),
        timeout_s=_timeout_s(variables),
        certificate_folder=variables.get("ONE_CERT_DIR") or None,
        server_certificate=Path(pinned) if pinned else None,
    )


def auth_path(environment: Mapping[str, str]) -> Path:
    """Return the session's file: ``ONE_AUTH``, else ``$ONE_LOCATION/one_auth`` or ``~/.one/one_auth``."""
    named = environment.get("ONE_AUTH")
    if named:
        return Path(named)
    location = environment.get("ONE_LOCATION")
    if location and (Path(location) / "one_auth").is_file():
        return Path(location) / "one_auth"
    return Path(environment.get("HOME") or Path.home()) / ".one" / "one_auth"


def read_session(path: Path) -> str:
    """Return the ``user:secret`` that the first line of ``path`` holds.

    :raises ConfigError: the file cannot be read or holds none
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigError(
            f"cannot read your session from {str(path)!r}: {reason}; start a cloud of your own with "
            f"'one start', or name a file that holds 'user:password' in ONE_AUTH"
        ) from None
    session = lines[0].strip() if lines else ""
    if ":" not in session:
        raise ConfigError(f"no session in {str(path)!r}: its first line must be 'user:password'; correct it")
    return session


def _timeout_s(environment: Mapping[str, str]) -> float:
    text = environment.get("ONE_XMLRPC_TIMEOUT")
    if not text:
        return DEFAULT_TIMEOUT_S
    try:
        timeout_s = float(text)
    except ValueError:
        timeout_s = 0.0
    if timeout_s <= 0:
        raise ConfigError(
            f"ONE_XMLRPC_TIMEOUT is {text!r}: it must be a number of seconds above 0; correct it"
        )
    return timeout_s
