from __future__ import annotations

import pytest

from opennebula_core.contracts.plan import PlanStep, insert_steps
from opennebula_core.errors import PluginError

TRANSFER = PlanStep("tm", "ssh", "TRANSFER")
DEPLOY = PlanStep("vmm", "kvm", "DEPLOY")
PLAN = (TRANSFER, DEPLOY)


def step(action: str, *, before: str = "", after: str = "") -> PlanStep:
    return PlanStep("vmm", "kvm", action, before=before, after=after)


def actions(*added: PlanStep) -> list[str]:
    return [found.action for found in insert_steps(PLAN, added)]


def test_a_step_comes_before_the_one_that_it_names() -> None:
    assert actions(step("GPU", before="DEPLOY")) == ["TRANSFER", "GPU", "DEPLOY"]


def test_a_step_comes_after_the_one_that_it_names() -> None:
    assert actions(step("GPU", after="TRANSFER")) == ["TRANSFER", "GPU", "DEPLOY"]


def test_a_step_that_names_no_place_comes_last() -> None:
    assert actions(step("GPU")) == ["TRANSFER", "DEPLOY", "GPU"]


@pytest.mark.parametrize("place", [{"before": "DEPLOY"}, {"after": "TRANSFER"}, {}])
def test_steps_for_one_place_stay_in_their_order(place: dict[str, str]) -> None:
    found = actions(step("ONE", **place), step("TWO", **place), step("THREE", **place))

    assert [action for action in found if action not in ("TRANSFER", "DEPLOY")] == ["ONE", "TWO", "THREE"]


def test_a_step_may_follow_another_one_that_was_added() -> None:
    assert actions(step("ONE", before="DEPLOY"), step("TWO", after="ONE")) == [
        "TRANSFER",
        "ONE",
        "TWO",
        "DEPLOY",
    ]


def test_a_place_that_the_plan_does_not_have_is_refused_with_those_it_has() -> None:
    with pytest.raises(PluginError, match="it has no step 'BOOT'; its steps are TRANSFER, DEPLOY"):
        insert_steps(PLAN, [step("GPU", before="BOOT")])


def test_two_places_are_one_too_many() -> None:
    with pytest.raises(PluginError, match="names both before='DEPLOY' and after='TRANSFER'; name one"):
        insert_steps(PLAN, [step("GPU", before="DEPLOY", after="TRANSFER")])
