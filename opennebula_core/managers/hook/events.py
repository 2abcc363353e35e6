"""Events become executions of hooks, in the transaction that the event belongs to.

So nothing is lost by a crash at whatever moment, and each command gets the document as it was then. Which
hooks there are is known in memory: without one, neither changes nor calls pay for it.
"""

from __future__ import annotations

import base64
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.contracts.method import Method, Mode, ObjectKind, Session
from opennebula_core.db.connection import Change
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.documents.escape import unescape_document
from opennebula_core.errors import OpenNebulaError
from opennebula_core.managers.core import Core
from opennebula_core.managers.hook import table
from opennebula_core.managers.hook.call_info import call_info
from opennebula_core.managers.hook.definition import API, STATE, is_yes
from opennebula_core.managers.hook.overflow import Overflow
from opennebula_core.model.objects import Hook

LOG = logging.getLogger(__name__)
_MAKES: Final = ("allocate", "instantiate", "clone")
_MADE_BY: Final = {"one.template.instantiate": "one.vm", "one.vntemplate.instantiate": "one.vn"}
_PREFIXES: Final = {
    ObjectKind.VM: "one.vm",
    ObjectKind.HOST: "one.host",
    ObjectKind.IMAGE: "one.image",
    ObjectKind.NET: "one.vn",
}
_READER: Final = Session(0, "oneadmin", 0, "oneadmin", frozenset({0}), is_bound=True)
"""May see all objects, but as a bound session nothing that anybody logs in with."""


class HookEvents:
    """Finds the hooks of events, and has them run.

    :param wake: called after the commit when something waits to be run
    """

    def __init__(self, core: Core, registry: ManagerRegistry, wake: Callable[[], None]) -> None:
        self._core = core
        self._registry = registry
        self._wake = wake
        self._methods: Mapping[str, Method] = {}
        self._overflow = Overflow(core.config.hooks.waiting)
        self._states: frozenset[tuple[str, str]] = frozenset()
        self._calls: frozenset[str] = frozenset()

    def load(self) -> None:
        """Learn which hooks there are."""
        self._states, self._calls = self._core.store.read(_present)

    def committed(self, changes: list[Change]) -> None:
        """Learn of hooks that were made, changed or removed."""
        if any(change.kind is ObjectKind.HOOK for change in changes):
            self.load()

    # -- states ----------------------------------------------------------------------------------

    def captured(self, tx: Transaction) -> None:
        """Note the hooks of the states that a job has reached; part of the job."""
        if not self._states:
            return
        reached = {(kind, object_id, _place(event)): None for kind, object_id, event in tx.changes}
        wanted = [key for key in reached if (key[0].value, key[2]) in self._states]
        for kind, object_id, place in wanted:
            self._guarded(tx, lambda k=kind, i=object_id, p=place: self._reached(tx, k, i, p))  # type: ignore[misc]

    def _reached(self, tx: Transaction, kind: ObjectKind, object_id: int, place: str) -> None:
        found = tx.hooks.where(
            "type = ? AND resource = ? AND state = ? ORDER BY id", (STATE, kind.value, place)
        )
        if found:
            document = self._document(tx, _PREFIXES[kind], object_id)
            self._add(tx, found, "$TEMPLATE", document, _host_of(tx, kind, object_id))

    def _add(self, tx: Transaction, found: list[Hook], mark: str, document: str, host: str) -> None:
        encoded = base64.b64encode(document.encode()).decode()
        for hook in found:
            if not self._overflow.has_room(tx, hook.id):
                continue
            words = hook.template.get("ARGUMENTS").split()
            arguments = " ".join(encoded if word == mark else word for word in words)
            table.add(tx, hook.id, arguments, host if is_yes(hook.template, "REMOTE") else "")
        tx.after_commit(self._wake)

    def _document(self, tx: Snapshot, prefix: str, object_id: int) -> str:
        """Return an object as ``info`` shows it, as plain XML; empty for what has no such method."""
        self._methods = self._methods or self._registry.methods
        method = self._methods.get(f"{prefix}.info")
        if method is None or method.mode is not Mode.POINT:
            return ""
        rest = (param.default for param in method.params[1:])
        answer = method.handler(tx, _READER, object_id, *rest)
        return unescape_document(answer.decode()) if isinstance(answer, bytes) else ""

    @staticmethod
    def _guarded(tx: Transaction, work: Callable[[], None]) -> None:
        """Do what hooks need; a fault there is logged, and the job that it would spoil goes on without."""
        tx.quotas.settle()  # a document may ask for them, and what it then writes must not be undone
        tx.execute("SAVEPOINT hooks")
        try:
            work()
        except sqlite3.Error:
            raise
        except Exception:
            tx.execute("ROLLBACK TO hooks")
            LOG.exception("hooks: an event was lost by an internal error")
        tx.execute("RELEASE hooks")

    # -- calls -----------------------------------------------------------------------------------

    def wants(self, method: str) -> bool:
        """Return whether any hook is about the method."""
        return method in self._calls

    def carry_out(
        self, tx: Transaction, method: str, parameters: Sequence[object], call: Callable[[], object]
    ) -> object:
        """Make a call that writes, and note its hooks in the same transaction; return what it returns."""
        prefix, _, verb = method.rpartition(".")
        extra = ""
        if verb == "delete" and parameters and isinstance(parameters[0], int):
            extra = self._try_document(tx, prefix, parameters[0])
        result = call()
        extra = extra or self._made(tx, method, result)
        self._guarded(tx, lambda: self._called(tx, method, parameters, result, extra))
        return result

    def _made(self, tx: Transaction, method: str, answer: object) -> str:
        """Return the document of the object that a call has made."""
        prefix, _, verb = method.rpartition(".")
        if verb not in _MAKES or not isinstance(answer, int):
            return ""
        return self._try_document(tx, _MADE_BY.get(method, prefix), answer)

    def _try_document(self, tx: Transaction, prefix: str, object_id: int) -> str:
        try:
            return self._document(tx, prefix, object_id)
        except OpenNebulaError:
            return ""  # the call itself will say that there is no such object

    def answered(self, tx: Transaction, method: str, parameters: Sequence[object], answer: object) -> None:
        """Note the hooks of a call that was no job: one that reads, waits for a driver, or was refused."""
        self._guarded(
            tx, lambda: self._called(tx, method, parameters, answer, self._made(tx, method, answer))
        )

    def _called(
        self, tx: Transaction, method: str, parameters: Sequence[object], answer: object, extra: str
    ) -> None:
        found = tx.hooks.where("type = ? AND call = ? ORDER BY id", (API, method))
        if found:
            self._add(tx, found, "$API", call_info(method, parameters, answer, extra), "")


def _present(tx: Snapshot) -> tuple[frozenset[tuple[str, str]], frozenset[str]]:
    rows = tx.query("SELECT type, resource, state, call FROM hook")
    states = frozenset((resource, state) for kind, resource, state, _ in rows if kind == STATE)
    return states, frozenset(call for kind, _, _, call in rows if kind == API)


def _place(event: str) -> str:
    """Return the state that a change speaks of, empty when it speaks of none."""
    word, _, place = event.partition(" ")
    return place if word in ("allocate", "state") else ""


def _host_of(tx: Transaction, kind: ObjectKind, object_id: int) -> str:
    if kind is ObjectKind.HOST:
        return str(tx.value("SELECT name FROM host WHERE id = ?", (object_id,)) or "")
    newest = "SELECT hostname FROM history WHERE vm_id = ? ORDER BY seq DESC LIMIT 1"
    return str(tx.value(newest, (object_id,)) or "") if kind is ObjectKind.VM else ""
