"""Fixtures that give tests real hosts: the lab, started once a session and used by all that ask for it.

A test that uses one is to be marked ``integration``. What the lab lacks is installed where that may be done
(root on Debian); where something is missing all the same, the test fails. It is skipped only for a user who
is not root, and then only outside CI.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from opennebula_core.testing.kvmlab import packages
from opennebula_core.testing.kvmlab.guest_image import cached_guest_image
from opennebula_core.testing.kvmlab.lab import Lab
from opennebula_core.testing.kvmlab.preparation import prepare_lab
from opennebula_core.testing.kvmlab.settings import LabSettings

SHARE = "/srv/lab-shared"
"""The folder that the front-end and all hosts of the session's lab have in common."""

HOSTS = 2


@pytest.fixture(scope="session")
def lab_settings() -> Iterator[LabSettings]:
    """Return settings with a directory of this session's own, so that sessions can run side by side."""
    if os.geteuid() and not os.environ.get("CI"):
        pytest.skip("the lab makes namespaces: run as root to have this test run")
    # short: sockets are to be reached in it
    directory = Path(tempfile.mkdtemp(prefix="lab-"))
    yield replace(LabSettings.from_environment(), directory=directory)
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def lab_packages(lab_settings: LabSettings) -> None:
    """Install what the lab needs and this machine lacks; takes a minute the first time."""
    if packages.can_install():
        packages.install(packages.LAB)


@pytest.fixture(scope="session")
def guest_image(lab_settings: LabSettings, lab_packages: None) -> Path:
    """Return the small test guest's disk (qcow2, 32 MiB), built once for all sessions."""
    return cached_guest_image(lab_settings)


@pytest.fixture(scope="session")
def session_lab(lab_settings: LabSettings, guest_image: Path) -> Iterator[Lab]:
    """Start the hosts; they end with the session, even when it is killed."""
    blueprint = prepare_lab(lab_settings, HOSTS, shares=[SHARE], image=guest_image)
    with Lab.up(blueprint, tied=True) as lab:
        yield lab


@pytest.fixture
def lab(session_lab: Lab) -> Iterator[Lab]:
    """Return a lab of two hosts on which nothing runs; what the test left there is removed after it.

    It also repairs what the test broke: hosts that hang, are cut off or have crashed.
    """
    yield session_lab
    session_lab.tidy(tied=True)


@pytest.fixture
def front_end_network(lab: Lab) -> Iterator[Lab]:
    """Let the test itself be in the network of the lab's front-end, where hosts have their addresses.

    Their names are known to ssh through :attr:`Lab.front_end_ssh_config`, not to the resolver.
    """
    with lab.in_network_of("fe"):
        yield lab
