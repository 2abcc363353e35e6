from __future__ import annotations

from pathlib import Path

from opennebula_core.api.configuration import shown_configuration
from opennebula_core.config import Config, Location


def test_clients_find_the_drivers_that_are_installed_under_their_known_words(tmp_path: Path) -> None:
    offered = {"vmm": ["kvm", "dummy"], "tm": ["ssh"], "datastore": ["fs"], "vnm": ["bridge"]}
    shown = shown_configuration(Config(Location.at(tmp_path)), offered)

    assert [driver["NAME"] for driver in shown.vectors("VM_MAD")] == ["dummy", "kvm"]
    assert [driver["NAME"] for driver in shown.vectors("VN_MAD_CONF")] == ["bridge"]
    (transfer,) = shown.vectors("TM_MAD_CONF")
    assert transfer == {"NAME": "ssh", "CLONE_TARGET": "SYSTEM", "LN_TARGET": "SYSTEM", "SHARED": "NO"}
    (store,) = shown.vectors("DS_MAD_CONF")
    assert store["REQUIRED_ATTRS"] == ""


def test_the_front_end_is_the_only_one_of_its_federation(tmp_path: Path) -> None:
    federation = shown_configuration(Config(Location.at(tmp_path))).vector("FEDERATION")
    assert federation == {"MODE": "STANDALONE", "ZONE_ID": "0", "SERVER_ID": "-1"}
