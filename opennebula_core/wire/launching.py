"""How drivers are started: ours by their names, others as OpenNebula's core does."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from opennebula_core.config import Config, DriverSettings, Location
from opennebula_core.errors import ConfigError
from opennebula_core.wire.process import Launch
from opennebula_core.wire.services.drivers import ProcessSettings

ONEDRIVER: Final = "opennebula_core.wire.onedriver"

UPSTREAM_MADS: Final = Path("/usr/lib/one/mads")
"""Where OpenNebula's packages put their drivers."""

DRIVER_CONFIG: Final = "config"
"""File below ``var`` that OpenNebula's Ruby drivers read at their start; without it they die."""


def own_launch(config: Config, kind: str, name: str) -> Launch:
    """Return how the driver that is installed under ``name`` is started.

    Settings may hold secrets, and command lines and environments are seen by others: they go in a file.
    """
    settings = ProcessSettings.from_config(config, kind, name)
    return Launch(
        argv=own_command(kind, name),
        directory=config.location.var,
        log_file=log_file(config.location, kind, name),
        environment=environment(config.location),
        settings=settings.to_json().encode(),
    )


def own_command(kind: str, name: str) -> tuple[str, ...]:
    """Return the command line of one of our drivers."""
    return sys.executable, "-m", ONEDRIVER, kind, name


def executable_launch(config: Config, kind: str, name: str, settings: DriverSettings) -> Launch:
    """Return how a program that is no plugin is started: all its ARGUMENTS are one word.

    :raises ConfigError: there is no such program
    """
    program = find_executable(config.location, settings.executable)
    _write_driver_config(config)
    return Launch(
        argv=(str(program), settings.arguments) if settings.arguments else (str(program),),
        directory=config.location.var,
        log_file=log_file(config.location, kind, name),
        environment=environment(config.location),
    )


def find_executable(location: Location, executable: str) -> Path:
    """Return the program's path: as given when absolute, else below ``etc`` or where drivers are installed.

    :raises ConfigError: it is in none of these places
    """
    places = [location.etc, location.root / "lib" / "mads", UPSTREAM_MADS]
    for candidate in (place / executable for place in places):
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return candidate
    raise ConfigError(
        f"start the driver program {executable!r}: it is no executable file, absolute or below "
        f"{', '.join(map(str, places))}; correct `executable` in {location.config_file}"
    )


def log_file(location: Location, kind: str, name: str) -> Path:
    """Return the file that a driver's error output goes to."""
    return location.log_file(f"{kind}_{name}")


def environment(location: Location) -> dict[str, str]:
    """Return a driver's environment: the core's, and where the cloud is. UTF-8, or Ruby drivers go deaf."""
    return {**os.environ, "ONE_LOCATION": str(location), "LC_ALL": "C.UTF-8"}


def _write_driver_config(config: Config) -> None:
    """Write what Ruby drivers look up, one attribute a line, unless an administrator has written it."""
    file = config.location.var / DRIVER_CONFIG
    if file.exists():
        return
    file.write_text(
        f"DATASTORE_LOCATION={config.datastores.path}\n"
        f"SCRIPTS_REMOTE_DIR=/var/tmp/one\n"
        f"VM_SUBMIT_ON_HOLD=NO\n"
    )
