"""How the tests are dealt out when several processes run them (``pytest -n``).

A module's tests stay together, so that what they share is made once. The rooms that need the lab go to one
process, and first: there is one lab, and its guests, emulated where there is no KVM, outlast the rest.
"""

from __future__ import annotations

import os

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from opennebula_core.testing.kvmlab import packages

LAB_ROOMS = (
    "tests/cli/up/",
    "tests/end_to_end/",
    "tests/lab/",
    "plugins/im_ssh/",
    "plugins/vmm_kvm/",
    "plugins/vnm_bridge/",
)
"""Where tests with the lab may be; elsewhere one would start a second lab beside the first."""

SETTINGS_OF_A_LAB = "lab_settings"
"""The fixture that all of the lab's fixtures stand on."""


class LabAndModules(LoadScopeScheduling):  # type: ignore[misc] # a class without types
    """Gives each process a whole module at a time, and one of them the lab."""

    def _split_scope(self, nodeid: str) -> str:
        return "lab" if nodeid.startswith(LAB_ROOMS) else nodeid.partition("::")[0]


def pytest_configure() -> None:
    """Let programs that tests start print as into a pipe; the processes are told how wide the terminal is."""
    os.environ.pop("COLUMNS", None)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LabAndModules:
    """Deal out as above, whatever ``--dist`` says."""
    return LabAndModules(config, log)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Install what the lab needs before the processes start, for some of it serves other tests too.

    A plain ``pytest path`` installs what its tests ask for, and no more.
    """
    if session.config.getoption("numprocesses") and packages.can_install():
        packages.install(packages.LAB)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the lab's rooms first, and refuse a test that would need the lab elsewhere.

    :raises pytest.UsageError: a test needs the lab and lies in none of its rooms
    """
    for item in items:
        if SETTINGS_OF_A_LAB in getattr(item, "fixturenames", ()) and not item.nodeid.startswith(LAB_ROOMS):
            raise pytest.UsageError(f"{item.nodeid} needs the lab: add its room to LAB_ROOMS in {__file__}")
    items.sort(key=lambda item: not item.nodeid.startswith(LAB_ROOMS))
