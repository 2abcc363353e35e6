"""What callers get: over HTTP, from the real store, with the standard library's client."""

from __future__ import annotations

import asyncio
import logging
import xmlrpc.client
from typing import Any

import pytest

from opennebula_core.api.dispatch import MAX_MULTICALL
from opennebula_core.contracts.event import RequestOutcome
from opennebula_core.contracts.method import Session
from opennebula_core.errors import (
    ActionError,
    AuthenticationError,
    AuthorizationError,
    FaultError,
    InternalError,
    NotFoundError,
    ParameterError,
)
from opennebula_core.model.objects import AclRule

from .conftest import ADMIN, ALICE, BOB, Api

FAULT = xmlrpc.client.Fault


async def call(api: Api, session: str, method: str, *params: object) -> object:
    with api.client(session) as client:
        return await asyncio.to_thread(client.call, method, *params)


async def raw(api: Api, method: str, *params: object) -> Any:
    """Call with exactly these parameters and return what comes back, session or not."""
    proxy = xmlrpc.client.ServerProxy(api.endpoint)
    with proxy:
        return await asyncio.to_thread(getattr(proxy, method), *params)


async def test_each_mode_answers(api: Api) -> None:
    template_id = await call(api, ADMIN, "one.test.allocate", "web")
    assert template_id == 0
    assert await call(api, ADMIN, "one.test.update", template_id, "A = <&>") == template_id
    assert await call(api, ADMIN, "one.test.info", template_id) == 'A="<&>"\n'
    assert await call(api, ADMIN, "one.test.list") == 1
    assert await call(api, ADMIN, "one.test.greet", "good day") == "good day, oneadmin"


async def test_a_success_has_exactly_three_values(api: Api) -> None:
    assert await raw(api, "one.test.greet", ADMIN) == [True, "hello, oneadmin", 0]


async def test_a_refusal_has_five_values(api: Api) -> None:
    answer = await raw(api, "one.test.info", ADMIN, 7)
    assert answer == [False, "[one.test.info] Error getting virtual machine template [7].", 1024, 7, -1]


async def test_an_id_below_zero_is_the_pool_in_the_message(api: Api) -> None:
    with pytest.raises(NotFoundError, match=r"Error getting virtual machine template Pool\."):
        await call(api, ADMIN, "one.test.info", -1)


async def test_an_unknown_method_is_a_fault_before_anything_else(api: Api) -> None:
    with pytest.raises(FAULT, match=r"Method 'one\.nothing' not defined") as caught:
        await raw(api, "one.nothing")
    assert caught.value.faultCode == -506


async def test_a_call_without_a_session_is_a_fault(api: Api) -> None:
    with pytest.raises(FAULT, match="Not enough parameters") as caught:
        await raw(api, "one.test.greet")
    assert caught.value.faultCode == -501


async def test_a_session_that_is_no_text_is_a_fault(api: Api) -> None:
    with pytest.raises(FAULT, match="supposed to be string"):
        await raw(api, "one.test.greet", 7)


async def test_authentication_comes_before_the_other_parameters(api: Api) -> None:
    answer = await raw(api, "one.test.info", "oneadmin:wrong")
    assert answer == [False, "[one.test.info] User couldn't be authenticated, aborting call.", 256, -1, -1]


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ((), "Not enough parameters"),
        ((1,), "Not enough parameters"),
        (("1", "x"), "Parameter that is supposed to be integer is not"),
        ((True, "x"), "Parameter that is supposed to be integer is not"),
        ((1, 2), "Parameter that is supposed to be string is not"),
        ((1, "x", 1), "Parameter that is supposed to be boolean is not"),
        ((1, "x", True, 5), "Parameter that is supposed to be array is not"),
        ((1, "x", True, ["a"]), "Parameter that is supposed to be array is not"),
    ],
)
async def test_wrong_parameters_are_a_fault(api: Api, params: tuple[object, ...], text: str) -> None:
    with pytest.raises(FaultError, match=text) as caught:
        await call(api, ADMIN, "one.test.echo", *params)
    assert caught.value.code == -501


async def test_defaults_fill_in_and_surplus_parameters_are_ignored(api: Api) -> None:
    assert await call(api, ADMIN, "one.test.echo", 1, "x") == "1 x False []"
    assert await call(api, ADMIN, "one.test.echo", 1, "x", True, [3], "more", 7) == "1 x True [3]"


async def test_the_owner_may_and_a_stranger_may_not(api: Api) -> None:
    template_id = await made_by_alice(api)
    assert await call(api, ALICE, "one.test.info", template_id) == ""
    with pytest.raises(AuthorizationError) as caught:
        await call(api, BOB, "one.test.update", template_id, "A=1")
    assert str(caught.value) == (
        f"[one.test.update] User [3] : Not authorized to perform MANAGE TEMPLATE [{template_id}]."
    )
    assert caught.value.object_id == template_id


async def test_a_missing_object_is_reported_before_rights(api: Api) -> None:
    with pytest.raises(NotFoundError):
        await call(api, BOB, "one.test.info", 99)


async def test_creating_needs_a_rule(api: Api) -> None:
    with pytest.raises(AuthorizationError, match=r"Not authorized to perform CREATE TEMPLATE\.$"):
        await call(api, BOB, "one.test.allocate", "mine")
    everybody_creates(api)
    assert isinstance(await call(api, BOB, "one.test.allocate", "mine"), int)


async def test_methods_of_admins_refuse_others(api: Api) -> None:
    with pytest.raises(AuthorizationError, match=r"User \[2\]"):
        await call(api, ALICE, "one.test.fail", "bug")


async def test_a_lock_stops_its_owner_and_admins_but_not_looking(api: Api) -> None:
    template_id = await made_by_alice(api)
    await call(api, ALICE, "one.test.lock", template_id, 1)
    assert await call(api, ALICE, "one.test.info", template_id) == ""
    with pytest.raises(AuthorizationError, match="Not authorized to perform MANAGE TEMPLATE"):
        await call(api, ALICE, "one.test.update", template_id, "A=1")
    with pytest.raises(AuthorizationError, match=rf"User \[0\] : TEMPLATE is locked\. \[{template_id}\]\."):
        await call(api, ADMIN, "one.test.update", template_id, "A=1")
    await call(api, ALICE, "one.test.lock", template_id, 0)
    assert await call(api, ALICE, "one.test.update", template_id, "A=1") == template_id


async def test_a_lock_leaves_rights_above_its_level_alone(api: Api) -> None:
    template_id = await made_by_alice(api)
    await call(api, ALICE, "one.test.lock", template_id, 3)
    assert await call(api, ALICE, "one.test.update", template_id, "A=1") == template_id


async def test_a_template_that_does_not_parse_says_so(api: Api) -> None:
    template_id = await made_by_alice(api)
    with pytest.raises(InternalError, match=r"^\[one\.test\.update\] Parse error: "):
        await call(api, ALICE, "one.test.update", template_id, "A = [")


async def test_rights_are_checked_before_a_template_is_complained_about(api: Api) -> None:
    template_id = await made_by_alice(api)
    with pytest.raises(AuthorizationError):
        await call(api, BOB, "one.test.update", template_id, "A = [")
    with pytest.raises(NotFoundError):
        await call(api, ADMIN, "one.test.update", 99, "A = [")


async def test_a_big_template_is_parsed_beside_the_event_loop(api: Api) -> None:
    template_id = await made_by_alice(api)
    text = "".join(f'A{number} = "{"x" * 100}"\n' for number in range(2000))
    assert await call(api, ALICE, "one.test.update", template_id, text) == template_id


INTERNAL = "internal error: a fault of the front-end; see oned.log there"


@pytest.mark.parametrize(
    ("how", "kind", "text"),
    [
        ("state", ActionError, "event 'x' is not allowed"),
        ("parameter", ParameterError, "Wrong update type"),
        ("driver", InternalError, INTERNAL),
        ("bug", InternalError, INTERNAL),
    ],
)
async def test_a_handler_s_exception_becomes_a_refusal(
    api: Api, how: str, kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind) as caught:
        await call(api, ADMIN, "one.test.fail", how)
    assert str(caught.value) == f"[one.test.fail] {text}"


async def test_a_bug_is_logged_with_its_traceback(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(InternalError):
        await call(api, ADMIN, "one.test.fail", "bug")
    assert "ZeroDivisionError" in caplog.text
    assert "one.test.fail" in caplog.text


async def test_a_result_that_cannot_be_sent_is_an_internal_error(api: Api) -> None:
    with pytest.raises(InternalError, match="internal error"):
        await call(api, ADMIN, "one.test.wrong")


async def test_what_was_answered_is_committed(api: Api) -> None:
    everybody_creates(api)
    ids = await asyncio.gather(*(call(api, BOB, "one.test.allocate", f"t{number}") for number in range(20)))
    assert sorted(ids) == list(range(20))  # type: ignore[type-var]
    assert api.store.read(lambda snapshot: snapshot.value("SELECT COUNT(*) FROM vm_template")) == 20


class Hooks:
    """A plugin's part: refuses greetings in a language it does not know, and takes notes."""

    are_wanted = True

    def __init__(self) -> None:
        self.outcomes: list[RequestOutcome] = []

    def before_request(self, session: Session, method: str, parameters: tuple[object, ...]) -> None:
        if parameters == ("bonjour",):
            raise AuthorizationError(f"{session.user_name} may not {method} in French")

    def request_done(self, outcome: RequestOutcome) -> None:
        self.outcomes.append(outcome)


async def test_plugins_may_refuse_and_hear_of_the_outcome(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    hooks = Hooks()
    monkeypatch.setattr(api.dispatcher, "_hooks", hooks)
    await call(api, ALICE, "one.test.greet", "hi")
    with pytest.raises(AuthorizationError, match=r"alice may not one\.test\.greet in French"):
        await call(api, ALICE, "one.test.greet", "bonjour")
    with pytest.raises(AuthenticationError):
        await call(api, "alice:wrong", "one.test.greet", "hi")
    assert [(done.method, done.user_id, done.error_code) for done in hooks.outcomes] == [
        ("one.test.greet", 2, 0),
        ("one.test.greet", 2, 512),
    ]


async def test_several_calls_in_one(api: Api) -> None:
    answers = await raw(
        api,
        "system.multicall",
        [
            {"methodName": "one.test.greet", "params": [ADMIN]},
            {"methodName": "one.test.info", "params": [ADMIN, 5]},
            {"methodName": "one.nothing", "params": []},
            {"methodName": "system.methodExist", "params": ["one.test.greet"]},
            {"methodName": "system.multicall", "params": [[]]},
            "nonsense",
        ],
    )
    assert answers[0] == [[True, "hello, oneadmin", 0]]
    assert answers[1][0][:1] == [False]
    assert answers[2]["faultCode"] == -506
    assert answers[3] == [True]
    assert answers[4]["faultCode"] == -501
    assert answers[5]["faultCode"] == -501


async def test_a_multicall_is_bounded(api: Api) -> None:
    calls = [{"methodName": "one.nothing", "params": []}] * (MAX_MULTICALL + 1)
    with pytest.raises(FAULT, match="may hold"):
        await raw(api, "system.multicall", calls)


async def test_a_document_in_a_multicall_comes_whole(api: Api) -> None:
    template_id = await call(api, ADMIN, "one.test.allocate", "web")
    await call(api, ADMIN, "one.test.update", template_id, "A = <x>")
    answers = await raw(
        api, "system.multicall", [{"methodName": "one.test.info", "params": [ADMIN, template_id]}]
    )
    assert answers == [[[True, 'A="<x>"\n', 0]]]


async def made_by_alice(api: Api) -> int:
    everybody_creates(api)
    made = await call(api, ALICE, "one.test.allocate", "hers")
    assert isinstance(made, int)
    return made


def everybody_creates(api: Api) -> None:
    """Add the rule ``* TEMPLATE/* CREATE *``."""
    rule = AclRule(0, 0x400000000, 0x20000000000 | 0x400000000, 0x8, 0x400000000)
    api.store.write_now(
        lambda tx: tx.execute(
            "INSERT OR REPLACE INTO acl (id, user, resource, rights, zone) VALUES (?, ?, ?, ?, ?)",
            (rule.id, rule.user, rule.resource, rule.rights, rule.zone),
        )
    )
