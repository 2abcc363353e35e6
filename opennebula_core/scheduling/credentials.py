"""As whom the scheduler calls the API."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from opennebula_core.client import Client, client_from_environment
from opennebula_core.client.environment import read_session
from opennebula_core.client.server_user import server_client
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
    endpoint = endpoint or variables.get("ONE_XMLRPC", "") or config.endpoint
    cipher_file = Path(variables.get("ONE_CIPHER_AUTH") or config.location.scheduler_auth_file)
    if cipher_file.is_file() or variables.get("ONE_CIPHER_AUTH"):
        name, _, secret = read_session(cipher_file).partition(":")
        return server_client(endpoint, name, secret, name)
    variables["ONE_XMLRPC"] = endpoint
    variables.setdefault("ONE_LOCATION", str(config.location))
    return client_from_environment(variables)
