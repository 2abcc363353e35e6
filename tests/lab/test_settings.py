from __future__ import annotations

from pathlib import Path

from opennebula_core.testing.kvmlab import LabSettings


def test_what_the_environment_says_comes_back_as_environment() -> None:
    given = {
        "KVMLAB_DIR": "/tmp/one-lab",
        "KVMLAB_CACHE": "/tmp/cache",
        "KVMLAB_NET": "10.1.2",
        "KVMLAB_NET2": "10.1.3",
        "KVMLAB_ACCEL": "tcg",
    }
    assert LabSettings.from_environment(given).environment() == given


def test_an_empty_environment_has_defaults_that_work() -> None:
    settings = LabSettings.from_environment({})
    assert settings.directory.is_absolute()
    assert settings.cache == Path("~/.cache/kvmlab").expanduser()
    assert settings.accelerator == ""


def test_a_relative_directory_is_made_absolute() -> None:
    assert LabSettings.from_environment({"KVMLAB_DIR": "lab"}).directory == Path.cwd() / "lab"
