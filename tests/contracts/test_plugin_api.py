from __future__ import annotations

import pytest

from opennebula_core.contracts.plugin_api import PLUGIN_API, ApiVersion, misfit

OFFERED = ApiVersion(2, 3)


@pytest.mark.parametrize("declared", [["2.0"], ["2.3"], ["1.4", "2.1"]])
def test_what_is_written_for_the_same_major_and_no_later_minor_version_fits(declared: list[str]) -> None:
    assert misfit(declared, OFFERED) == ""


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        (["2.4"], "it is written for plugin API 2.4, and this core has 2.3"),
        (["1.4", "3.0"], "it is written for plugin API 1.4 and 3.0, and this core has 2.3"),
        (["1"], "'1' is no version of the plugin API, such as '1.0'"),
        ([], "it is written for plugin API 1.0, and this core has 2.3"),
    ],
)
def test_all_else_is_refused_with_the_reason(declared: list[str], reason: str) -> None:
    assert misfit(declared, OFFERED) == reason


def test_a_package_that_says_nothing_fits_the_first_major_version() -> None:
    assert (misfit([]) == "") is (PLUGIN_API.major == 1)
