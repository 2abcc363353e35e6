from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from opennebula_core.cli.vm.waiting import situation
from opennebula_core.config.location import Location
from opennebula_core.config.pid_file import take_pid_file
from opennebula_core.model.states import VmState

WAITING = fromstring(
    f"<VM><STATE>{VmState.PENDING}</STATE><LCM_STATE>0</LCM_STATE><STIME>1</STIME>"
    "<USER_TEMPLATE><SCHED_MESSAGE>no host has room</SCHED_MESSAGE></USER_TEMPLATE></VM>"
)


@pytest.fixture
def location(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Location:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "oned.toml").touch()
    location = Location.at(tmp_path)
    location.create()
    monkeypatch.setenv("ONE_LOCATION", str(tmp_path))
    monkeypatch.delenv("ONE_XMLRPC", raising=False)
    return location


def test_a_pending_vm_says_that_no_scheduler_runs(location: Location) -> None:
    assert "no scheduler runs" in situation(WAITING, ("RUNNING",)).note


def test_a_pending_vm_says_what_the_scheduler_says(location: Location) -> None:
    with take_pid_file(location, "onesched"):
        assert situation(WAITING, ("RUNNING",)).note == "no host has room"


def test_of_a_cloud_elsewhere_no_scheduler_is_missed(
    location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONE_XMLRPC", "http://front-end:2633/RPC2")
    assert situation(WAITING, ("RUNNING",)).note == "no host has room"
