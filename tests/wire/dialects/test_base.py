from __future__ import annotations

import pytest

from opennebula_core.errors import ConfigError
from opennebula_core.wire.dialects import dialect_for, own_dialect
from opennebula_core.wire.dialects.base import parse_release


@pytest.mark.parametrize(("text", "release"), [("3.2", (3, 2)), ("6.10.5", (6, 10)), (" 4.14 ", (4, 14))])
def test_a_release_is_its_first_two_numbers(text: str, release: tuple[int, int]) -> None:
    assert parse_release(text) == release


@pytest.mark.parametrize("text", ["", "6", "six.ten", "6.10-beta"])
def test_what_is_no_release_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="no release of OpenNebula"):
        parse_release(text)


@pytest.mark.parametrize("kind", ["vmm", "tm", "im", "datastore", "auth"])
def test_each_kind_has_a_dialect_of_our_own(kind: str) -> None:
    assert own_dialect(kind).kind == kind


def test_network_drivers_have_none() -> None:
    with pytest.raises(ConfigError, match="run in no process of their own"):
        dialect_for("vnm", "6.10")
