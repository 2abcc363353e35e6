from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from opennebula_core.contracts.matchmaking.matching import Matcher
from opennebula_core.contracts.scheduler import HostView, Placement, Round
from opennebula_core.errors import ExpressionError
from opennebula_core.testing.scheduler import make_cloud, make_host, make_vm


def a_round(hosts: Sequence[HostView]) -> Round:
    vm = make_vm(5)
    return Round(make_cloud([vm], hosts), [vm])


def test_a_requirement_is_asked_of_all_hosts() -> None:
    hosts = [make_host(0, RACK=1), make_host(1, RACK=2)]
    assert Matcher().accepts("RACK = 2", hosts, a_round(hosts)) == [False, True]


def test_an_outcome_is_kept_until_the_host_is_read_anew() -> None:
    asked: list[str] = []

    def lookup(name: str) -> Sequence[str]:
        asked.append(name)
        return ("2",)

    host = replace(make_host(0), attributes=lookup)
    matcher = Matcher()
    for _ in range(3):
        assert matcher.accepts("RACK = 2", [host], a_round([host])) == [True]
    assert asked == ["RACK"]
    again = replace(host)
    matcher.accepts("RACK = 2", [again], a_round([again]))
    assert asked == ["RACK", "RACK"]


def test_what_a_booking_changes_is_asked_anew() -> None:
    host = make_host(0)
    round = a_round([host])
    matcher = Matcher()
    assert matcher.accepts("RUNNING_VMS < 1", [host], round) == [True]
    round.settle(Placement(5, 0))
    assert matcher.accepts("RUNNING_VMS < 1", [host], round) == [False]


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("CURRENT_VMS = 2", True),
        ("CURRENT_VMS = 3", False),
        ("CURRENT_VMS != 3", True),
        ("CURRENT_VMS != 1", False),
        ("!(CURRENT_VMS = 2) | CURRENT_VMS @> 1", True),
    ],
)
def test_current_vms_are_the_set_of_vms_on_the_host(text: str, *, met: bool) -> None:
    host = make_host(0, vm_ids=[1, 2])
    assert Matcher().accepts(text, [host], a_round([host])) == [met]


def test_on_an_empty_host_no_vm_is_current() -> None:
    host = make_host(0)
    assert Matcher().accepts("CURRENT_VMS != 3", [host], a_round([host])) == [True]


def test_a_requirement_that_does_not_parse_is_an_error() -> None:
    with pytest.raises(ExpressionError):
        Matcher().accepts("RACK =", [make_host(0)], a_round([]))


def test_a_rank_that_does_not_parse_is_zero_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    host = make_host(0)
    matcher = Matcher()
    assert matcher.ranks("RACK + once", [host], a_round([host])) == [0.0]
    assert matcher.ranks("RACK +* once", [host], a_round([host])) == [0.0]
    assert matcher.ranks("RACK +* once", [host], a_round([host])) == [0.0]
    assert len(caplog.records) == 1


def test_the_empty_requirement_is_always_met() -> None:
    assert Matcher().meets("", make_host(0).attributes)
