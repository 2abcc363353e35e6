"""From a call to its answer: authenticate, check types, exist, rights, lock; then the method's handler."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Final

from opennebula_core.api.authentication import Authenticator
from opennebula_core.api.introspection import MULTICALL, Introspection, unknown_method
from opennebula_core.api.methods import Entry, MethodTable, wrong_type
from opennebula_core.api.metrics import RequestMetrics
from opennebula_core.api.reading import Place
from opennebula_core.api.request_hooks import RequestHooks
from opennebula_core.api.rights import authorise
from opennebula_core.api.xmlrpc import (
    LIMIT_FAULT,
    TYPE_FAULT,
    Call,
    Chunks,
    Fault,
    answer,
    decode_call,
    fault_answer,
    fault_value,
    plain_value,
    refusal,
    success,
)
from opennebula_core.contracts.event import RequestOutcome
from opennebula_core.contracts.method import Mode, Session
from opennebula_core.db.store import Store
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.errors import (
    ActionError,
    ExpressionError,
    InternalError,
    RequestError,
    StateError,
    StoreError,
    TemplateError,
    XmlError,
)
from opennebula_core.managers.core import CallRecorder

LOG = logging.getLogger(__name__)

MAX_MULTICALL: Final = 512
MAX_MULTICALL_BYTES: Final = 64 << 20
BIG_BODY_BYTES: Final = 64 << 10
"""Bodies, and texts in them, from this size on are parsed on a thread."""


class Dispatcher:
    """Answers calls from a method table.

    :param hooks: what plugins have to say to requests
    """

    def __init__(
        self,
        store: Store,
        authenticator: Authenticator,
        table: MethodTable,
        *,
        version: str,
        hooks: RequestHooks | None = None,
        recorder: CallRecorder | None = None,
    ) -> None:
        self.metrics = RequestMetrics()
        self._store = store
        self._authenticator = authenticator
        self._table = table
        self._introspection = Introspection(table, version)
        self._hooks = hooks if hooks is not None and hooks.are_wanted else None
        self._recorder = recorder

    async def answer(self, body: bytes, peer: str, place: Place) -> Chunks:
        """Return the XML-RPC answer to an XML-RPC call; never raises for anything that a caller sends.

        :param peer: the caller's address
        :param place: taken when the answer may be long; the caller gives it back when the answer is sent
        """
        try:
            if len(body) < BIG_BODY_BYTES:
                call = decode_call(body)
            else:
                call = await asyncio.to_thread(decode_call, body)
            return answer(await self._value(call, peer, place))
        except Fault as fault:
            self.metrics.count_fault()
            return fault_answer(fault)

    async def _value(self, call: Call, peer: str, place: Place) -> Chunks:
        entry = self._table.get(call.method)
        if entry is not None:
            return await self._call(entry, call.params, peer, place)
        if call.method == MULTICALL:
            return await self._multicall(call.params, peer, place)
        if call.method.startswith("system."):
            return plain_value(self._introspection.call(call.method, call.params))
        raise unknown_method(call.method)

    async def _call(self, entry: Entry, given: Sequence[object], peer: str, place: Place) -> Chunks:
        started = time.perf_counter()
        name = entry.method.name
        session: Session | None = None
        error: RequestError | None = None
        params: tuple[object, ...] = ()
        result: object = None
        try:
            session = await self._session(given, peer)
            params = entry.bind(given)
            if self._hooks is not None:
                self._hooks.before_request(session, name, params)
            result = await self._carry_out(entry, session, params, place)
            value = success(result)
        except RequestError as refused:
            error = refused
        except Fault:
            raise
        except Exception as failure:  # noqa: BLE001 - the border of dispatch: a caller gets an answer
            error = _as_refusal(name, failure)
        if error is not None:
            value = refusal(error, name)
        if session is not None and self._is_recorded(name):
            await self._record(entry, params, result if error is None else error)
        duration_s = time.perf_counter() - started
        self.metrics.count(name, duration_s, is_success=error is None)
        if self._hooks is not None and session is not None:
            code, text = (0, "") if error is None else (error.code, str(error))
            self._hooks.request_done(RequestOutcome(name, session.user_id, code, text, duration_s))
        return value

    def _is_recorded(self, name: str) -> bool:
        return self._recorder is not None and self._recorder.wants(name)

    async def _record(self, entry: Entry, params: tuple[object, ...], answer: object) -> None:
        """Keep a call for hooks; one that wrote is kept by what it wrote."""
        recorder, name = self._recorder, entry.method.name
        is_kept = entry.method.mode is Mode.WRITE and not isinstance(answer, RequestError)
        if recorder is None or is_kept:
            return
        try:
            await self._store.write(lambda tx: recorder.answered(tx, name, params, answer))
        except StoreError as error:
            LOG.error("method %s: hooks will not hear of a call: %s", name, error)

    async def _session(self, given: Sequence[object], peer: str) -> Session:
        if not given:
            raise Fault(TYPE_FAULT, "Not enough parameters")
        text = given[0]
        if not isinstance(text, str):
            raise wrong_type(str)
        return self._authenticator.known(text) or await self._authenticator.authenticate(text, peer)

    async def _carry_out(
        self, entry: Entry, session: Session, params: tuple[object, ...], place: Place
    ) -> object:
        handler = entry.method.handler

        def look(snapshot: Snapshot) -> object:
            authorise(snapshot, session, entry, params)
            return handler(snapshot, session, *params)

        match entry.method.mode:
            case Mode.POINT:
                return self._store.read(look)
            case Mode.READ:
                await place.take()
                return await self._store.read_in_thread(look)
            case Mode.WRITE:
                return await self._write(entry, session, params)
            case Mode.ASYNC:
                self._store.read(lambda snapshot: authorise(snapshot, session, entry, params))
                return await handler(session, *params)  # type: ignore[misc] # the table checked: async def

    async def _write(self, entry: Entry, session: Session, params: tuple[object, ...]) -> object:
        handler = entry.method.handler
        if entry.method.before is not None:
            self._store.read(lambda snapshot: authorise(snapshot, session, entry, params))
        try:
            prepared = await _prepare(entry, session, params)
        except Exception:
            # What is wrong with the parameters is nobody's business who may not call the method.
            self._store.read(lambda snapshot: authorise(snapshot, session, entry, params))
            raise

        def change(transaction: Transaction) -> object:
            authorise(transaction, session, entry, params)
            transaction.enforces_quotas = True
            if self._recorder is not None and self._recorder.wants(entry.method.name):
                return self._recorder.carry_out(
                    transaction, entry.method.name, params, lambda: handler(transaction, session, *prepared)
                )
            return handler(transaction, session, *prepared)

        return await self._store.write(change)

    async def _multicall(self, params: list[object], peer: str, place: Place) -> Chunks:
        if not params:
            raise Fault(TYPE_FAULT, "Not enough parameters")
        calls = params[0]
        if not isinstance(calls, list):
            raise wrong_type(list)
        if len(calls) > MAX_MULTICALL:
            raise Fault(LIMIT_FAULT, f"A multicall may hold {MAX_MULTICALL} calls, not {len(calls)}")
        chunks: list[bytes] = [b"<value><array><data>"]
        size = 0
        for item in calls:
            try:
                if size > MAX_MULTICALL_BYTES:
                    raise Fault(LIMIT_FAULT, "The answers before this one are too large; call it alone")
                value: Chunks = (
                    b"<value><array><data>",
                    *await self._value(_inner_call(item), peer, place),
                    b"</data></array></value>",
                )
            except Fault as fault:
                self.metrics.count_fault()
                value = fault_value(fault)
            size += sum(map(len, value))
            chunks.extend(value)
        return (*chunks, b"</data></array></value>")


async def _prepare(entry: Entry, session: Session, params: tuple[object, ...]) -> tuple[object, ...]:
    prepare, before = entry.method.prepare, entry.method.before
    if before is not None:
        return await before(session, *params)
    if prepare is None:
        return params
    if any(isinstance(value, str) and len(value) >= BIG_BODY_BYTES for value in params):
        return await asyncio.to_thread(prepare, *params)
    return prepare(*params)


def _inner_call(item: object) -> Call:
    match item:
        case {"methodName": str(name), "params": list(params)} if name != MULTICALL:
            return Call(name, params)
        case {"methodName": "system.multicall"}:
            raise Fault(TYPE_FAULT, "A multicall may not hold a multicall")
        case _:
            raise Fault(TYPE_FAULT, "A call in a multicall is a struct with methodName and an array params")


def _as_refusal(method: str, error: Exception) -> RequestError:
    """Return the refusal that an exception of a handler becomes."""
    match error:
        case TemplateError() | XmlError() | ExpressionError():
            return InternalError(f"Parse error: {error}")
        case StateError():
            return ActionError(str(error))
        case _:
            LOG.error("method %s: failed", method, exc_info=error)
            return InternalError("internal error: a fault of the front-end; see oned.log there")
