"""``Config``: the whole of ``oned.toml``, read once and checked completely."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from opennebula_core.config.location import Location
from opennebula_core.config.settings import (
    LOG_LEVELS,
    ApiSettings,
    DatabaseSettings,
    DatastoreSettings,
    DriverSettings,
    HookSettings,
    ImageSettings,
    LogSettings,
    MonitoringSettings,
    NetworkSettings,
    PluginSettings,
    SchedulerSettings,
    ShowbackSettings,
    UserSettings,
    VmSettings,
)
from opennebula_core.config.tables import TableReader, declared_settings, syntax_problem
from opennebula_core.contracts.kinds import DRIVER_KINDS
from opennebula_core.errors import ConfigError

DRIVERS: Final = "drivers"
SCHEDULER: Final = "scheduler"
LOG: Final = "log"
PLAIN_SECTIONS: Final[Mapping[str, type]] = {
    "api": ApiSettings,
    "database": DatabaseSettings,
    "monitoring": MonitoringSettings,
    "datastores": DatastoreSettings,
    "vm": VmSettings,
    "hooks": HookSettings,
    "images": ImageSettings,
    "networks": NetworkSettings,
    "users": UserSettings,
    "showback": ShowbackSettings,
    "plugins": PluginSettings,
    LOG: LogSettings,
}
"""Sections that hold nothing but their own settings."""


@dataclass(frozen=True, slots=True)
class Config:
    """What ``oned.toml`` says; ``Config(location)`` is a cloud with all defaults.

    :param drivers: kind -> name -> settings, for the drivers that are configured; see :meth:`driver`
    """

    location: Location
    api: ApiSettings = field(default_factory=ApiSettings)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    scheduler: SchedulerSettings = field(default_factory=SchedulerSettings)
    monitoring: MonitoringSettings = field(default_factory=MonitoringSettings)
    datastores: DatastoreSettings = field(default_factory=DatastoreSettings)
    vm: VmSettings = field(default_factory=VmSettings)
    hooks: HookSettings = field(default_factory=HookSettings)
    images: ImageSettings = field(default_factory=ImageSettings)
    networks: NetworkSettings = field(default_factory=NetworkSettings)
    users: UserSettings = field(default_factory=UserSettings)
    showback: ShowbackSettings = field(default_factory=ShowbackSettings)
    plugins: PluginSettings = field(default_factory=PluginSettings)
    log: LogSettings = field(default_factory=LogSettings)
    drivers: Mapping[str, Mapping[str, DriverSettings]] = field(default_factory=dict)

    @classmethod
    def load(cls, location: Location | str | os.PathLike[str]) -> Self:
        """Return the configuration of the cloud at ``location``; without a file, all defaults.

        :raises ConfigError: the file cannot be read or a setting is wrong; the message lists all that are
        """
        where = Location.at(location)
        try:
            text = where.config_file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return cls(where)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"read {where.config_file}: {error}; make it a readable UTF-8 text") from error
        return cls.parse(text, where)

    @classmethod
    def parse(cls, text: str, location: Location) -> Self:
        """Return the configuration that the text of a file says.

        :raises ConfigError: see :meth:`load`
        """
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(
                f"read {location.config_file}: {syntax_problem(str(error), text)}; "
                f"correct it, or move the file away to get the defaults"
            ) from None
        reader = TableReader()
        config = cls(location, **_sections(reader, document))
        _check_certificate(reader, config.api)
        if reader.problems:
            raise ConfigError("\n".join(f"read {location.config_file}: {text}" for text in reader.problems))
        return config

    def driver(self, kind: str, name: str) -> DriverSettings:
        """Return the settings of a driver: as configured, else the defaults."""
        return self.drivers.get(kind, {}).get(name) or DriverSettings()

    @property
    def database_file(self) -> Path:
        """The file of the SQLite database."""
        return self.database.sqlite_file(self.location.database_file)

    @property
    def endpoint(self) -> str:
        """The address of the API for programs on this machine."""
        scheme = "https" if self.api.certificate else "http"
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(self.api.listen, self.api.listen)
        bracketed = f"[{host}]" if ":" in host and not host.startswith("[") else host
        return f"{scheme}://{bracketed}:{self.api.port}/RPC2"

    @property
    def server_certificate(self) -> Path | None:
        """The file of the certificate that programs of this installation look for; None: plain HTTP."""
        return self.file(self.api.certificate) if self.api.certificate else None

    def file(self, name: str) -> Path:
        """Return the path of a file that a setting names, relative ones below ``etc/``."""
        return self.location.etc / Path(name).expanduser()


def _sections(reader: TableReader, document: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in document.items():
        if name == LOG:
            found[name] = _log(reader, value)
        elif name in PLAIN_SECTIONS:
            found[name] = reader.section(PLAIN_SECTIONS[name], value, name)
        elif name == SCHEDULER:
            found[name] = _scheduler(reader, value)
        elif name == DRIVERS:
            found[name] = _drivers(reader, value)
        else:
            reader.unknown("", name, (*PLAIN_SECTIONS, SCHEDULER, DRIVERS))
    return found


def _scheduler(reader: TableReader, value: object) -> SchedulerSettings:
    """Read ``[scheduler]``: each table in it that is no setting holds the options of the policy it names."""
    table = reader.table(value, SCHEDULER)
    known = declared_settings(SchedulerSettings)
    policies = {key for key, item in table.items() if isinstance(item, dict) and key not in known}
    options = {name: reader.options(table[name], f"{SCHEDULER}.{name}") for name in sorted(policies)}
    plain = {key: item for key, item in table.items() if key not in policies}
    return reader.section(SchedulerSettings, plain, SCHEDULER, {"options": options})


def _log(reader: TableReader, value: object) -> LogSettings:
    """Read ``[log]`` with its table ``levels``: a plugin or a logger, and its level."""
    table = dict(reader.table(value, LOG))
    levels: dict[str, str] = {}
    for name, level in reader.table(table.pop("levels", {}), f"{LOG}.levels").items():
        if level in LOG_LEVELS:
            levels[name] = level
        else:
            reader.problems.append(
                f"setting {LOG}.levels.{name!r} is {level!r}: not one of {', '.join(LOG_LEVELS)}; choose one"
            )
    return reader.section(LogSettings, table, LOG, {"levels": levels})


def _drivers(reader: TableReader, value: object) -> dict[str, dict[str, DriverSettings]]:
    found: dict[str, dict[str, DriverSettings]] = {}
    for kind, names in reader.table(value, DRIVERS).items():
        if kind not in DRIVER_KINDS:
            reader.unknown(DRIVERS, kind, DRIVER_KINDS)
            continue
        found[kind] = {
            name: _driver(reader, item, f"{DRIVERS}.{kind}.{name}")
            for name, item in reader.table(names, f"{DRIVERS}.{kind}").items()
        }
    return found


def _driver(reader: TableReader, value: object, path: str) -> DriverSettings:
    table = dict(reader.table(value, path))
    options = reader.options(table.pop("options", {}), f"{path}.options")
    return reader.section(DriverSettings, table, path, {"options": options})


def _check_certificate(reader: TableReader, api: ApiSettings) -> None:
    if bool(api.certificate) != bool(api.key):
        there, missing = ("certificate", "key") if api.certificate else ("key", "certificate")
        reader.problems.append(f"setting api.{there} stands without api.{missing}; TLS needs both")
