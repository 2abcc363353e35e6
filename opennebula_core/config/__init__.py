"""The configuration of a cloud: where its files lie, and what ``etc/oned.toml`` says."""

from __future__ import annotations

from opennebula_core.config.defaults import DEFAULT_TOML, default_toml, write_default_config
from opennebula_core.config.load import Config
from opennebula_core.config.location import Location
from opennebula_core.config.options import OptionValue, option_values
from opennebula_core.config.settings import (
    ApiSettings,
    DatabaseSettings,
    DatastoreSettings,
    DriverSettings,
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

__all__ = [
    "DEFAULT_TOML",
    "ApiSettings",
    "Config",
    "DatabaseSettings",
    "DatastoreSettings",
    "DriverSettings",
    "ImageSettings",
    "Location",
    "LogSettings",
    "MonitoringSettings",
    "NetworkSettings",
    "OptionValue",
    "PluginSettings",
    "SchedulerSettings",
    "ShowbackSettings",
    "UserSettings",
    "VmSettings",
    "default_toml",
    "option_values",
    "write_default_config",
]
