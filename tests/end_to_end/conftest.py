from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from opennebula_core.config import Location
from opennebula_core.testing.cloud_in_lab import CloudInLab
from opennebula_core.testing.kvmlab import Lab
from tests.end_to_end.estate import Estate, build_estate


@pytest.fixture
def cloud(front_end_network: Lab, tmp_path: Path) -> Iterator[CloudInLab]:
    """Return a cloud that runs in the lab's front-end; whatever of it still runs is ended after the test."""
    cloud = CloudInLab(front_end_network, Location.at(tmp_path / "one"))
    cloud.start()
    yield cloud
    cloud.end()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the cloud's logs beneath a failure."""
    report = yield
    cloud = getattr(item, "funcargs", {}).get("cloud")
    if report.failed and isinstance(cloud, CloudInLab):
        report.sections += [(f"log {name}", text) for name, text in cloud.logs()]
    return report


@pytest.fixture
def estate(cloud: CloudInLab, guest_image: Path, tmp_path: Path) -> Estate:
    """Return a cloud with two hosts, an image, a network and a template."""
    return build_estate(cloud, guest_image, tmp_path)
