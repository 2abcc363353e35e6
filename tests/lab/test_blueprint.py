from __future__ import annotations

from pathlib import Path

import pytest

from opennebula_core.testing.kvmlab import LabError, LabSettings
from opennebula_core.testing.kvmlab.blueprint import Blueprint, host_names


@pytest.fixture
def blueprint(tmp_path: Path) -> Blueprint:
    settings = LabSettings(directory=tmp_path / "lab", cache=tmp_path / "cache")
    return Blueprint(settings, host_names(3), "tcg", shares=("/srv/a b",), cgroups={"host1": ("cpu",)})


def test_it_is_read_back_as_it_was_saved(blueprint: Blueprint) -> None:
    blueprint.save()
    assert Blueprint.load(blueprint.settings) == blueprint


def test_where_there_is_no_lab_there_is_no_blueprint(blueprint: Blueprint) -> None:
    assert Blueprint.load(blueprint.settings) is None


def test_everybody_has_an_address_on_both_networks(blueprint: Blueprint) -> None:
    assert blueprint.address("fe") == "10.77.0.254"
    assert blueprint.address("host3") == "10.77.0.3"
    assert blueprint.address("host3", card=1) == "10.78.0.3"
    assert "10.77.0.2 host2\n" in blueprint.hosts_file()


def test_a_name_that_leads_elsewhere_is_refused(blueprint: Blueprint) -> None:
    with pytest.raises(LabError, match=r"no host '\.\./x' in this lab: there are fe, host1, host2, host3"):
        blueprint.place("../x")


def test_two_labs_have_different_tags(blueprint: Blueprint, tmp_path: Path) -> None:
    other = Blueprint(LabSettings(tmp_path / "other", tmp_path), ("host1",), "tcg")
    assert other.tag != blueprint.tag


@pytest.mark.parametrize("count", [0, -1, 17])
def test_a_lab_has_one_to_sixteen_hosts(count: int) -> None:
    with pytest.raises(LabError, match="it can have 1 to 16"):
        host_names(count)
