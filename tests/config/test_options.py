from __future__ import annotations

import pytest

from opennebula_core.config import option_values
from opennebula_core.contracts.driver import Option
from opennebula_core.errors import ConfigError

DECLARED = (
    Option("delay_s", float, 0.5, "time before an answer"),
    Option("bridge", str, "br0", "where NICs are plugged in"),
    Option("retries", int, 3, "attempts"),
    Option("strict", bool, False, "refuse what is unknown"),
)


def test_options_that_are_not_given_have_their_defaults() -> None:
    assert option_values(DECLARED, {"retries": 5}, "drivers.vmm.x.options") == {
        "delay_s": 0.5,
        "bridge": "br0",
        "retries": 5,
        "strict": False,
    }


def test_a_whole_number_will_do_for_a_number() -> None:
    value = option_values(DECLARED, {"delay_s": 2}, "drivers.vmm.x.options")["delay_s"]

    assert isinstance(value, float)
    assert value == 2.0


def test_a_misspelt_option_names_the_one_that_was_meant() -> None:
    with pytest.raises(ConfigError) as failure:
        option_values(DECLARED, {"brigde": "br1"}, "drivers.vmm.x.options")

    assert str(failure.value) == (
        "read option 'brigde' of drivers.vmm.x.options: not known, there are "
        "bridge, delay_s, retries, strict; did you mean 'bridge'?"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("retries", "3"), ("retries", 1.5), ("retries", True), ("bridge", 0), ("strict", 1), ("delay_s", True)],
)
def test_an_option_of_another_type_is_refused(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"read option '{name}' of scheduler.x: {value!r} is not"):
        option_values(DECLARED, {name: value}, "scheduler.x")
