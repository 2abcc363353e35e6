from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from opennebula_core.contracts.driver import Driver, DriverContext
from opennebula_core.remote import REMOTE_OPTIONS, RemoteOptions


class SomeDriver(Driver):
    options = REMOTE_OPTIONS


def test_a_drivers_defaults_are_the_options_defaults() -> None:
    assert RemoteOptions.from_driver(SomeDriver(DriverContext("some", Path("/one")))) == RemoteOptions()


def test_a_drivers_settings_are_used() -> None:
    settings: dict[str, str | int | float | bool] = {
        "ssh_user": "oneadmin",
        "ssh_key": "/a /b",
        "local_hosts": "fe1 fe2",
        "connect_timeout_s": 3,
    }
    options = RemoteOptions.from_driver(SomeDriver(DriverContext("some", Path("/one"), settings)), 0.5)
    assert options.user == "oneadmin"
    assert options.key_files == ("/a", "/b")
    assert options.local_names == ("fe1", "fe2")
    assert options.connect_timeout == timedelta(seconds=3)
    assert options.bandwidth_bytes_per_s == 524288
