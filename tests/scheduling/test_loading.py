from __future__ import annotations

from pathlib import Path

import pytest

from opennebula_core.config import Config, Location
from opennebula_core.contracts.scheduler import Limits
from opennebula_core.errors import ConfigError, DriverNotFoundError
from opennebula_core.scheduling.loading import load_charge


def configured(tmp_path: Path, text: str) -> Config:
    return Config.parse(text, Location.at(tmp_path))


def test_the_configured_policy_comes_with_its_limits(tmp_path: Path) -> None:
    charge = load_charge(
        configured(
            tmp_path,
            "[scheduler]\npolicy = 'dummy'\nmax_vms = 9\nmax_dispatch = 8\nmax_host = 7\ninterval_s = 3\n"
            "live_rescheds = true\n",
        )
    )
    assert (charge.name, charge.limits) == ("dummy", Limits(9, 8, 7))
    assert (charge.interval_s, charge.live_rescheds) == (3.0, True)


def test_a_policy_gets_its_options_complete(tmp_path: Path) -> None:
    charge = load_charge(configured(tmp_path, "[scheduler.default]\npolicy = 'packing'\n"), "default")
    assert charge.policy.setting("policy") == "packing"
    assert charge.policy.setting("cold_migrate") == "save"


def test_a_name_goes_before_the_configured_one(tmp_path: Path) -> None:
    assert load_charge(configured(tmp_path, ""), "haizea").name == "haizea"


def test_an_option_of_the_wrong_type_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'lead_s' of scheduler\.haizea"):
        load_charge(configured(tmp_path, "[scheduler.haizea]\nlead_s = 'long'\n"), "haizea")


def test_a_policy_that_nobody_offers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DriverNotFoundError):
        load_charge(configured(tmp_path, ""), "nothing")
