from __future__ import annotations

import re
import stat
from pathlib import Path

from opennebula_core.config import (
    DEFAULT_TOML,
    Config,
    DriverSettings,
    Location,
    default_toml,
    write_default_config,
)


def test_the_default_file_changes_nothing(tmp_path: Path) -> None:
    location = Location.at(tmp_path)

    assert Config.parse(DEFAULT_TOML, location) == Config(location)


def test_the_settings_that_are_commented_out_are_the_defaults(tmp_path: Path) -> None:
    location = Location.at(tmp_path)
    uncommented = re.sub(r"(?m)^#(?=\w+ = |\[)", "", DEFAULT_TOML)

    config = Config.parse(uncommented, location)

    assert config == Config(location, drivers={"vmm": {"kvm": DriverSettings()}})


def test_another_port_is_written_as_a_setting(tmp_path: Path) -> None:
    config = Config.parse(default_toml(port=12633), Location.at(tmp_path))

    assert config.api.port == 12633
    assert config.monitoring.port == 0


def test_a_first_start_writes_a_file_that_only_its_owner_may_read(tmp_path: Path) -> None:
    location = Location.at(tmp_path)

    assert write_default_config(location, port=5000)

    assert stat.S_IMODE(location.config_file.stat().st_mode) == 0o600
    assert Config.load(location).api.port == 5000


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    location = Location.at(tmp_path)
    location.create()
    location.config_file.write_text("[api]\nport = 1\n")

    assert not write_default_config(location)

    assert Config.load(location).api.port == 1
