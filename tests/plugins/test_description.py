from __future__ import annotations

import pytest

from opennebula_core.contracts.driver import Driver, Option
from opennebula_core.errors import PluginError
from opennebula_core.plugins import Description
from opennebula_core.plugins.description import actions_of, options_of


class Hypervisor(Driver):
    optional_actions = frozenset({"SAVE", "MIGRATE"})
    options = (Option("uri", str, "qemu:///system", "where"), Option("retries", int, 3, "how often"))


def test_a_driver_has_the_actions_of_its_kind_and_the_optional_ones_that_it_declares() -> None:
    actions = actions_of("vmm", Hypervisor)

    assert actions[:4] == ("DEPLOY", "SHUTDOWN", "CANCEL", "POLL")
    assert actions[-2:] == ("MIGRATE", "SAVE")
    assert "REBOOT" not in actions


def test_a_description_survives_its_way_through_json() -> None:
    description = Description("vmm", "x", "acme", "1", "a:B", ("DEPLOY",), options_of(Hypervisor))

    assert Description.from_json(description.to_json()) == description


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"options": [{"name": 1}]}'])
def test_rubbish_is_no_description(text: str) -> None:
    with pytest.raises(PluginError, match="read the description of a driver"):
        Description.from_json(text)
