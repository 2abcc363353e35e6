from __future__ import annotations

from concurrent.futures import Future

import pytest

from opennebula_core.client import Client
from opennebula_core.contracts.scheduler import Call
from opennebula_core.errors import (
    ActionError,
    AuthenticationError,
    ClientError,
    InternalError,
    NotFoundError,
    OpenNebulaError,
)
from opennebula_core.scheduling.dispatcher import Dispatcher, DryRun, Outcome, outcome_of
from opennebula_core.testing.front_end import FrontEnd


def ended(error: Exception | None) -> Future[None]:
    future: Future[None] = Future()
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
    return future


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, Outcome.DONE),
        (ActionError("not available for state ACTIVE"), Outcome.TAKEN),
        (InternalError("no capacity"), Outcome.REFUSED),
        (NotFoundError("Error getting host [7]."), Outcome.REFUSED),
    ],
    ids=["done", "wrong state", "no room", "no such host"],
)
def test_an_answer_says_how_the_core_took_it(error: Exception | None, outcome: Outcome) -> None:
    assert outcome_of(ended(error)) == (outcome, "" if error is None else str(error))


@pytest.mark.parametrize("error", [ClientError("gone"), AuthenticationError("who?")])
def test_no_answer_is_an_error(error: OpenNebulaError) -> None:
    with pytest.raises(type(error)):
        outcome_of(ended(error))


def test_calls_are_made_with_the_client(front_end: FrontEnd, client: Client) -> None:
    front_end.add_host(0)
    vms = [front_end.submit(vm_id) for vm_id in range(20)]
    with Dispatcher(client) as dispatcher:
        futures = [dispatcher.begin(Call("one.vm.deploy", (vm.id, 0, False, -1, ""))) for vm in vms]
        assert {outcome_of(future)[0] for future in futures} == {Outcome.DONE}
    assert all(vm.host_id == 0 for vm in vms)


def test_a_dry_run_calls_nothing() -> None:
    assert outcome_of(DryRun().begin(Call("one.vm.deploy", (1,)))) == (Outcome.DONE, "")
