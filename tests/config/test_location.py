from __future__ import annotations

import os
import stat
from pathlib import Path

from opennebula_core.config import Location


def test_everything_lies_below_the_root(tmp_path: Path) -> None:
    location = Location.at(tmp_path)

    assert location.config_file == tmp_path / "etc/oned.toml"
    assert location.database_file == tmp_path / "var/one.db"
    assert location.auth_file == tmp_path / "one_auth"
    assert location.log_file("oned") == tmp_path / "var/log/oned.log"
    assert location.pid_file("oned") == tmp_path / "var/run/oned.pid"
    assert location.vm_log(7) == tmp_path / "var/vms/7/vm.log"


def test_the_environment_names_the_root(tmp_path: Path) -> None:
    assert Location.from_environment({"ONE_LOCATION": str(tmp_path)}).root == tmp_path


def test_an_empty_environment_means_the_folder_in_the_home_directory() -> None:
    assert Location.from_environment({"ONE_LOCATION": ""}).root == Path.home() / ".one"


def test_a_relative_root_becomes_absolute() -> None:
    assert Location.at("cloud").root == Path.cwd() / "cloud"


def test_a_location_is_a_path(tmp_path: Path) -> None:
    assert os.fspath(Location.at(tmp_path)) == str(tmp_path)


def test_made_folders_are_closed_to_others_and_making_them_again_is_harmless(tmp_path: Path) -> None:
    location = Location.at(tmp_path / "cloud")

    location.create()
    location.create()

    for folder in (location.root, location.etc, location.vms, location.scheduler_auth_file.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
