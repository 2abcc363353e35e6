"""Which API the commands call.

``oned.toml`` is read here without the configuration's own module where that will do: loading that takes as
long as all the rest of a command.
"""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from opennebula_core.client.environment import SERVER_CERTIFICATE

DEFAULT_LOCATION: Final = "~/.one"
CONFIG_FILE: Final = Path("etc", "oned.toml")
_ONLY_PORT: Final = frozenset({"port", "max_request_mib", "session_s"})
"""With nothing but these in ``[api]``, the API is on this machine's loopback, without TLS."""


def with_endpoint(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return the environment with ``ONE_XMLRPC``: as it is set, else what the cloud's ``oned.toml`` says.

    :raises ConfigError: the file is there and wrong
    """
    location = own_location(environment)
    if location is None:
        return environment
    port = _plain_port(location / CONFIG_FILE)
    if port:
        return {**environment, "ONE_XMLRPC": f"http://127.0.0.1:{port}/RPC2"}
    return {**environment, **_configured(location)}


def own_location(environment: Mapping[str, str]) -> Path | None:
    """Return where the cloud of this machine is that the commands call; None when they call another."""
    if environment.get("ONE_XMLRPC"):
        return None
    location = Path(environment.get("ONE_LOCATION") or DEFAULT_LOCATION).expanduser()
    return location if (location / CONFIG_FILE).is_file() else None


def _plain_port(file: Path) -> int:
    """Return the port if that is all that the file says of the API; 0 when there is more to it."""
    try:
        api = tomllib.loads(file.read_text(encoding="utf-8")).get("api")
    except (OSError, ValueError):
        return 0
    if not isinstance(api, dict) or not api.keys() <= _ONLY_PORT:
        return 0
    port = api.get("port")
    return port if isinstance(port, int) else 0


def _configured(location: Path) -> dict[str, str]:
    configuration: Any = importlib.import_module("opennebula_core.config")
    config = configuration.Config.load(location)
    found = {"ONE_XMLRPC": str(config.endpoint)}
    if config.server_certificate is not None:
        found[SERVER_CERTIFICATE] = str(config.server_certificate)
    return found
