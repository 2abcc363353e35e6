"""Every method of the real core, called wrongly in every way that its declaration tells of.

Nothing here knows a method by name: what managers add is tested the day they add it.
"""

from __future__ import annotations

import asyncio
import itertools
import xmlrpc.client
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from opennebula_core.api.dispatch import Dispatcher
from opennebula_core.api.reading import LongAnswers
from opennebula_core.client.client import is_repeatable
from opennebula_core.client.values import write_call
from opennebula_core.config import Location
from opennebula_core.contracts.method import REQUIRED, Access, Method, Mode, Need, ObjectKind, Param
from opennebula_core.daemon import Daemon, build, method_table
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.model.objects import (
    Cluster,
    Datastore,
    Group,
    Hook,
    Host,
    Image,
    Network,
    NetworkTemplate,
    PoolObject,
    SecurityGroup,
    User,
    Vdc,
    Vm,
    VmGroup,
    VmTemplate,
)
from opennebula_core.model.passwords import hash_password
from opennebula_core.testing.ports import free_port

from .conftest import CHEAP

pytestmark = pytest.mark.asyncio(loop_scope="module")

ADMIN, STRANGER, BAD_SESSION = "oneadmin:secret", "stranger:secret", "serveradmin:nonsense"
MISSING_ID = 2_000_000_000
AUTHENTICATION, AUTHORIZATION, NO_EXISTS = 256, 512, 1024
TYPE_FAULT = -501
PARSE_FAULT = -503
MEGABYTE = 1 << 20
MARK = 1_234_567_890
"""Stands for a number that no writer of ours would write."""
NUMBERS = (-1, -2, MISSING_ID, 2**31 - 1, 2**31, -(2**31), 2**63 - 1, -(2**63))
TEXTS = (
    "<",
    "A=[",
    "x" * 300,
    "a\nb=\"'",
    "A=1\nB=[C=2]",
    "-1",
    "1" * 5000,
    str(2**70),
    "ffffffffffffffffff",
)
STRANGE = (*NUMBERS, *TEXTS, [-1], [2**63 - 1])
TOO_LARGE = (2**63, -(2**63) - 1, 2**70)
OBJECTS: dict[ObjectKind, type[PoolObject]] = {
    ObjectKind.VM: Vm,
    ObjectKind.HOST: Host,
    ObjectKind.NET: Network,
    ObjectKind.IMAGE: Image,
    ObjectKind.TEMPLATE: VmTemplate,
    ObjectKind.VNTEMPLATE: NetworkTemplate,
    ObjectKind.DATASTORE: Datastore,
    ObjectKind.CLUSTER: Cluster,
    ObjectKind.SECGROUP: SecurityGroup,
    ObjectKind.USER: User,
    ObjectKind.GROUP: Group,
    ObjectKind.VDC: Vdc,
    ObjectKind.VMGROUP: VmGroup,
    ObjectKind.HOOK: Hook,
}


class EveryMethod:
    """The running core's method table, and one object of each kind, which is oneadmin's."""

    def __init__(self, daemon: Daemon, object_ids: dict[ObjectKind, int]) -> None:
        self.table = method_table(daemon.config, daemon.feed, daemon.registry)
        self.dispatcher = Dispatcher(
            daemon.store, daemon.authenticator, self.table, version=daemon.config.api.version
        )
        self.object_ids = object_ids
        self._peers = itertools.count()
        self._places = LongAnswers(1_000_000)

    async def call(self, method: Method, *params: object) -> object:
        """Return what the call is answered with: an array, or the code of a fault."""
        # From another address each time: failed logins of one name from one address are slowed down.
        answer = await self.answer(write_call(method.name, params))
        try:
            return xmlrpc.client.loads(answer)[0][0]
        except xmlrpc.client.Fault as fault:
            return fault.faultCode

    def contents(self) -> dict[str, list[tuple[object, ...]]]:
        """Return all rows of all tables."""

        def read(tx: Snapshot) -> dict[str, list[tuple[object, ...]]]:
            names = [row[0] for row in tx.query("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {name: list(tx.query(f'SELECT * FROM "{name}"')) for name in names}

        return self.dispatcher._store.read(read)

    async def error_code(self, method: Method, *params: object) -> int:
        """Return the error code that the call is refused with, 0 when it is not."""
        answer = await self.call(method, *params)
        if isinstance(answer, int):
            return answer
        assert isinstance(answer, list)
        return 0 if answer[0] else int(answer[2])

    def valid(self, method: Method) -> list[object]:
        """Return parameters of the right types that name objects which exist."""
        needs = method.needs if not isinstance(method.needs, Access) else ()
        kinds = {need.param: need.kind for need in needs}
        return [
            self.object_ids.get(kinds[param.name], 0) if param.name in kinds else harmless(param)
            for param in method.params
        ]

    async def answer(self, body: bytes) -> bytes:
        """Return the answer to a text that a client sends."""
        chunks = await self.dispatcher.answer(body, f"caller {next(self._peers)}", self._places.place())
        return b"".join(chunks)


def harmless(param: Param) -> object:
    if param.type is str:
        return ""
    if param.type is bool:
        return False
    return 0 if param.type is int else []


def wrong(param: Param) -> object:
    return 1 if param.type is str else "text"


def in_place(params: Sequence[object], position: int, value: object) -> list[object]:
    return [*params[:position], value, *params[position + 1 :]]


def make_objects(tx: Transaction) -> dict[ObjectKind, int]:
    tx.execute("DELETE FROM acl")
    tx.groups.allocate(Group(500, "outsiders"))
    stranger = User(500, "stranger", 500, 500, "stranger", "outsiders", group_ids=[500])
    stranger.password = hash_password("secret", CHEAP)
    tx.users.allocate(stranger)
    return {
        kind: tx.pool(kind).allocate(made(-1, f"theirs-{kind.value}", permissions=0o600))
        for kind, made in OBJECTS.items()
    }


@pytest.fixture(scope="module")
def location(tmp_path_factory: pytest.TempPathFactory) -> Location:
    location = Location.at(Path(tmp_path_factory.mktemp("cloud")))
    location.create()
    location.auth_file.write_text("oneadmin:secret\n")
    location.config_file.write_text(f"[api]\nport = {free_port()}\n")
    return location


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def every(location: Location) -> AsyncIterator[EveryMethod]:
    daemon = await build(location, synchronous="OFF")
    yield EveryMethod(daemon, await daemon.store.write(make_objects))
    await daemon.stop()


async def test_there_are_methods_of_all_managers(every: EveryMethod) -> None:
    kinds = {method.name.split(".")[1] for method in every.table}
    assert {"vm", "host", "vn", "image", "template", "datastore", "user", "group", "system"} <= kinds


async def test_none_answers_without_a_session(every: EveryMethod) -> None:
    assert {await every.call(method) for method in every.table} == {TYPE_FAULT}


async def test_none_answers_to_a_bad_session(every: EveryMethod) -> None:
    for method in every.table:
        assert await every.error_code(method, BAD_SESSION, *every.valid(method)) == AUTHENTICATION, (
            method.name
        )
        assert await every.error_code(method, BAD_SESSION) == AUTHENTICATION, method.name


async def test_each_refuses_too_few_parameters(every: EveryMethod) -> None:
    for method in every.table:
        required = [param for param in method.params if param.default is REQUIRED]
        for count in range(len(required)):
            given = every.valid(method)[:count]
            assert await every.call(method, ADMIN, *given) == TYPE_FAULT, f"{method.name} with {count}"


async def test_each_refuses_parameters_of_the_wrong_type(every: EveryMethod) -> None:
    for method in every.table:
        for position, param in enumerate(method.params):
            given = in_place(every.valid(method), position, wrong(param))
            assert await every.call(method, ADMIN, *given) == TYPE_FAULT, f"{method.name} at {param.name}"


def object_needs(method: Method) -> Iterator[tuple[int, Need]]:
    names = [param.name for param in method.params]
    if not isinstance(method.needs, Access):
        for need in method.needs:
            if need.param is not None:
                yield names.index(need.param), need


async def test_each_says_when_an_object_does_not_exist(every: EveryMethod) -> None:
    for method in every.table:
        for position, need in object_needs(method):
            given = in_place(every.valid(method), position, MISSING_ID)
            answer = await every.call(method, ADMIN, *given)
            assert isinstance(answer, list), method.name
            assert answer[2] == NO_EXISTS, f"{method.name} at {need.param}: {answer}"
            assert answer[1].startswith(f"[{method.name}] Error getting "), answer[1]
            assert answer[3] == MISSING_ID


async def test_each_refuses_who_has_no_right(every: EveryMethod) -> None:
    for method in every.table:
        if isinstance(method.needs, Access) and method.needs is not Access.ADMINS:
            continue
        answer = await every.call(method, STRANGER, *every.valid(method))
        assert isinstance(answer, list), f"{method.name}: {answer}"
        assert answer[2] == AUTHORIZATION, f"{method.name}: {answer}"
        assert answer[1].startswith(f"[{method.name}] User [500] : Not authorized"), answer[1]


async def test_each_right_is_asked_for_by_itself(every: EveryMethod) -> None:
    for method in every.table:
        for position, need in object_needs(method):
            given = in_place(every.valid(method), position, MISSING_ID)
            code = await every.error_code(method, STRANGER, *given)
            assert code in (NO_EXISTS, AUTHORIZATION), f"{method.name} at {need.param}: {code}"


def strange(method: Method, valid: Sequence[object]) -> Iterator[list[object]]:
    """Give the parameters with one at a time replaced by what nobody would send."""
    for position, value in enumerate(valid):
        for odd in STRANGE:
            if type(odd) is type(value):
                yield in_place(valid, position, odd)


@pytest.mark.parametrize("session", [STRANGER, ADMIN])
async def test_none_falls_over_strange_values(
    every: EveryMethod, caplog: pytest.LogCaptureFixture, session: str
) -> None:
    failed = []
    for method in every.table:
        for given in strange(method, every.valid(method)):
            answer = await asyncio.wait_for(every.call(method, session, *given), 20)
            if not isinstance(answer, list) or "internal error" in str(answer[1]):
                failed.append(f"{method.name} {given}: {answer}")
    assert not failed, "\n".join(failed) + caplog.text


async def test_none_takes_a_number_that_does_not_fit_into_64_bits(every: EveryMethod) -> None:
    for method in every.table:
        given = every.valid(method)
        for position, param in enumerate(method.params):
            if param.type is int:
                body = write_call(method.name, (ADMIN, *in_place(given, position, MARK)))
                for number in TOO_LARGE:
                    text = body.replace(str(MARK).encode(), str(number).encode())
                    for tag in (b"i4", b"i8", b"int"):
                        answer = await every.answer(text.replace(b"i4>", tag + b">"))
                        assert str(PARSE_FAULT).encode() in answer, (
                            f"{method.name} at {param.name}: {answer!r}"
                        )


@pytest.mark.parametrize("session", [STRANGER, ADMIN])
@pytest.mark.parametrize(
    "text", ["x" * MEGABYTE, "A=" * (MEGABYTE // 2), "<" * MEGABYTE, "A=1\n" * (MEGABYTE // 8)]
)
async def test_none_falls_over_a_megabyte(
    every: EveryMethod, caplog: pytest.LogCaptureFixture, session: str, text: str
) -> None:
    failed = []
    for method in every.table:
        given = every.valid(method)
        for position, param in enumerate(method.params):
            if param.type is str:
                answer = await asyncio.wait_for(
                    every.call(method, session, *in_place(given, position, text)), 20
                )
                if not isinstance(answer, list) or "internal error" in str(answer[1]):
                    failed.append(f"{method.name} at {param.name}: {str(answer)[:200]}")
    assert not failed, "\n".join(failed) + caplog.text


async def test_who_may_not_changes_nothing_whatever_he_sends(every: EveryMethod) -> None:
    before = every.contents()
    for method in every.table:
        if isinstance(method.needs, Access) and method.needs is not Access.ADMINS:
            continue
        for session in (STRANGER, BAD_SESSION):
            await every.call(method, session, *every.valid(method))
        for given in strange(method, every.valid(method)):
            code = await every.error_code(method, STRANGER, *given)
            assert code in (AUTHORIZATION, NO_EXISTS), f"{method.name} {given}: {code}"
    assert every.contents() == before


async def test_parameters_of_the_wrong_type_change_nothing(every: EveryMethod) -> None:
    before = every.contents()
    for method in every.table:
        for position, param in enumerate(method.params):
            await every.call(method, ADMIN, *in_place(every.valid(method), position, wrong(param)))
        for position, _ in object_needs(method):
            await every.call(method, ADMIN, *in_place(every.valid(method), position, MISSING_ID))
    assert every.contents() == before


async def test_each_is_documented(every: EveryMethod) -> None:
    assert [method.name for method in every.table if not method.doc.endswith(".")] == []


async def test_the_client_sends_nothing_again_that_changes_something(every: EveryMethod) -> None:
    writing = [method.name for method in every.table if method.mode is Mode.WRITE]
    assert not [name for name in writing if is_repeatable(name)]
    for name in ("one.vm.info", "one.vm.progress", "one.image.progress", "one.zone.raftstatus"):
        assert name in every.table
        assert is_repeatable(name)
