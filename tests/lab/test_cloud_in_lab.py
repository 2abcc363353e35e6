from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from opennebula_core.config import Config, Location
from opennebula_core.testing.cloud_in_lab import CONFIGURATION, CloudInLab
from opennebula_core.testing.kvmlab import Lab, LabError
from opennebula_core.testing.kvmlab.lab import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
def idle_cloud(lab: Lab, tmp_path: Path) -> CloudInLab:
    """Return a cloud that was not started."""
    return CloudInLab(lab, Location.at(tmp_path))


def test_its_processes_are_told_apart_and_killed(idle_cloud: CloudInLab, tmp_path: Path) -> None:
    other = CloudInLab(idle_cloud.lab, Location.at(tmp_path / "other"))
    with idle_cloud.popen("onedriver", "im", "dummy"), other.popen("onedriver", "im", "dummy"):
        wait_until(lambda: len(idle_cloud.processes("onedriver")) == 1, "the driver", timedelta(seconds=10))
        wait_until(lambda: len(other.processes("onedriver")) == 1, "the other", timedelta(seconds=10))
        assert idle_cloud.processes("onedriver", "vmm") == []
        assert idle_cloud.kill("onedriver", "im", "dummy") == 1
        assert idle_cloud.processes() == []
        assert len(other.processes()) == 1
        assert other.kill("") == 1


def test_a_program_that_fails_says_why(idle_cloud: CloudInLab) -> None:
    with pytest.raises(LabError, match="onedriver"):
        idle_cloud.run("onedriver", "im", "no-such-driver")


def test_its_configuration_is_one_that_the_kernel_accepts(idle_cloud: CloudInLab) -> None:
    idle_cloud.location.create()
    text = CONFIGURATION.format(ssh_config=idle_cloud.lab.front_end_ssh_config)
    idle_cloud.location.config_file.write_text(text)
    config = Config.load(idle_cloud.location.root)
    assert config.monitoring.host_period_s == 2
