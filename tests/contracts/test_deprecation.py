from __future__ import annotations

from opennebula_core.contracts.deprecation import deprecated, deprecated_overrides, deprecation_of


class Contract:
    @deprecated(since="1.2", instead="begin")
    def start(self) -> None:
        """Begin."""

    @classmethod
    @deprecated(since="1.3", instead="nothing")
    def make(cls) -> None:
        """Make."""

    def begin(self) -> None:
        """Begin."""


class New(Contract):
    def begin(self) -> None:
        return None


class Old(Contract):
    def start(self) -> None:
        return None


def test_a_method_that_is_taken_back_is_told_to_who_defines_it() -> None:
    assert list(deprecated_overrides(New, Contract)) == []
    assert list(deprecated_overrides(Old, Contract)) == [
        "start is deprecated since plugin API 1.2 and goes with 2.0; use begin"
    ]


def test_the_mark_is_found_where_it_was_set() -> None:
    assert deprecation_of(Contract.begin) is None
    found = deprecation_of(Contract.start)
    assert found is not None
    assert found.removed_in == "2.0"
