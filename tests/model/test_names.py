from __future__ import annotations

import pytest

from opennebula_core.errors import InternalError
from opennebula_core.model.names import check_name


@pytest.mark.parametrize("name", ["web", "node-7.rack_2", "ünï (copy) [1], a=b?", "x" * 128, "two words"])
def test_a_name_is_allowed(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("character", list("&|:\\\";/'#{}$<>\t\n\r\x00\x7f\ud800\ufffe"), ids=repr)
def test_a_name_with_this_character_is_refused(character: str) -> None:
    with pytest.raises(InternalError, match="Invalid NAME, it contains"):
        check_name(f"a{character}b")


def test_an_empty_name_is_refused_in_opennebulas_words() -> None:
    with pytest.raises(InternalError, match=r"^Invalid NAME, it cannot be empty$"):
        check_name("")


def test_a_long_name_is_refused() -> None:
    with pytest.raises(InternalError, match="129 characters"):
        check_name("x" * 129)


def test_users_and_groups_have_no_blanks() -> None:
    with pytest.raises(InternalError, match="blank"):
        check_name("two words", allow_blanks=False)
