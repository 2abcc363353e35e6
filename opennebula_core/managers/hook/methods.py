"""The API methods of hooks and their log. Hooks are the administrators': nobody else has rights on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.contracts.method import Access, Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.documents.hook import render_hook, render_log
from opennebula_core.errors import NotFoundError, ParameterError
from opennebula_core.managers.core import Core
from opennebula_core.managers.hook import table
from opennebula_core.managers.hook.definition import define
from opennebula_core.managers.objects import (
    Kind,
    lock_methods,
    parse_text,
    rename_method,
    require_text,
    update_method,
)
from opennebula_core.managers.pools import info_method, pool_method
from opennebula_core.model.objects import Hook, PoolObject
from opennebula_core.model.template import Template

HOOK: Final = ObjectKind.HOOK
_MANAGE: Final = (Need(HOOK, Right.MANAGE, "id"),)
_OWNER_ONLY: Final = 0o600


def hook_methods(core: Core, registry: ManagerRegistry, wake: Callable[[], None]) -> Iterable[Method]:
    """Return all methods of hooks, their pool and their log."""

    def redefined(tx: Transaction, session: Session, changed: PoolObject, merged: Template) -> None:
        assert isinstance(changed, Hook)
        define(changed, registry.methods, core.config.hooks.allowed_folders)

    kind = Kind("one.hook", HOOK, updated=redefined)
    yield rename_method(kind)
    yield update_method(kind)
    yield from lock_methods(kind)
    yield info_method("one.hook", HOOK, _render)
    yield pool_method("one.hookpool.info", HOOK, "HOOK_POOL", _render_many)
    yield _allocate(core, registry)
    yield Method("one.hook.delete", (Param("id", int),), _MANAGE, Mode.WRITE, _delete, "Remove a hook.")
    yield _retry(wake)
    yield Method(
        "one.hooklog.info",
        (
            Param("min_ts", int, -1),
            Param("max_ts", int, -1),
            Param("hook", int, -1),
            Param("rc", int, 0),
        ),
        Access.ADMINS,
        Mode.READ,
        _log,
        "Return executions: between two moments, of one hook, failed (-1) or successful (1) ones.",
    )


def _render(tx: Snapshot, hook: Hook) -> str:
    return render_hook(hook, table.log_of(tx, hook.id))


def _render_many(tx: Snapshot, hooks: Iterable[Hook]) -> Iterable[str]:
    return map(render_hook, hooks)


def _allocate(core: Core, registry: ManagerRegistry) -> Method:
    def allocate(tx: Transaction, session: Session, content: Template) -> int:
        hook = Hook(
            id=-1,
            name=require_text("NAME", content.take("NAME")),
            uname="oneadmin",
            gname="oneadmin",
            permissions=_OWNER_ONLY,
            template=content,
        )
        define(hook, registry.methods, core.config.hooks.allowed_folders)
        return tx.hooks.allocate(hook)

    return Method(
        "one.hook.allocate",
        (Param("template", str),),
        (Need(HOOK, Right.CREATE),),
        Mode.WRITE,
        allocate,
        "Make a hook: a command that runs when a state is reached or a call is made.",
        lambda text: (parse_text(text),),
    )


def _delete(tx: Transaction, session: Session, hook_id: int) -> int:
    tx.hooks.get(hook_id)
    tx.hooks.drop(hook_id)
    return hook_id


def _retry(wake: Callable[[], None]) -> Method:
    def retry(tx: Transaction, session: Session, hook_id: int, execution_id: int) -> int:
        execution = table.find(tx, hook_id, execution_id)
        if execution is None:
            raise NotFoundError(f"Error getting hook execution record [{execution_id}].", hook_id)
        table.add(tx, hook_id, execution.arguments, execution.remote_host, is_retry=True)
        tx.after_commit(wake)
        return hook_id

    return Method(
        "one.hook.retry",
        (Param("id", int), Param("execution", int)),
        _MANAGE,
        Mode.WRITE,
        retry,
        "Run a hook again, with the arguments of an earlier execution.",
    )


def _log(tx: Snapshot, session: Session, since: int, until: int, hook_id: int, outcome: int) -> bytes:
    if outcome not in (-1, 0, 1):
        raise ParameterError(f"Wrong outcome {outcome}; use -1 failed, 0 any, 1 successful")
    return render_log(table.log_between(tx, since, until, hook_id, outcome)).encode()
