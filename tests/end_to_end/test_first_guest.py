"""The main job: a template becomes a running guest on a real host."""

from __future__ import annotations

import pytest

from opennebula_core.model.states import LcmState, VmState
from tests.end_to_end.estate import Estate

pytestmark = pytest.mark.integration


def test_a_template_becomes_a_guest_that_answers_and_goes_without_a_trace(estate: Estate) -> None:
    vm_id = estate.instantiate("first")

    estate.cloud.wait_for_vm(vm_id, VmState.ACTIVE, LcmState.RUNNING)
    assert estate.wait_for_answer(vm_id)["hostname"] == "first"

    estate.action("terminate", vm_id)
    estate.cloud.wait_for_vm(vm_id, VmState.DONE)
    assert estate.nothing_is_left()
