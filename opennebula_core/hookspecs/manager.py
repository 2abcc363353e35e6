"""Hooks into the core itself: managers, requests, quotas, changes of state. They run in ``oned``."""

from __future__ import annotations

from opennebula_core.contracts.event import QuotaDemand, RequestOutcome, StateChange
from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.contracts.method import Session
from opennebula_core.hookspecs import spec


@spec
def opennebula_register_manager(registry: ManagerRegistry) -> None:
    """Called once at the start of the core, before anything is read or answered; there is no transaction.

    The plugin adds its API methods, tables, routes and background tasks to the registry; the built-in
    managers do the same here, first. Its tables are made, and migrated, after all plugins were called. The
    result is ignored. An exception leaves the whole plugin out, with all that it has added, and is logged;
    ``one plugin list``, which does not register, knows nothing of it. Since 0.1.

    :param registry: takes what the plugin adds; refuses names that are taken
    """


@spec
def opennebula_before_request(session: Session, method: str, parameters: tuple[object, ...]) -> None:
    """Called for each authenticated API call whose parameters are of the right types, outside transactions.

    So it is for scheduled actions of VMs, in the names of their owners. The result is ignored. An exception
    refuses the call: an ``AuthorizationError`` or another ``RequestError`` with its own error code, anything
    else as an internal error; no further plugin is asked.
    Do no I/O here: all callers wait. Since 0.1.

    :param session: who calls
    :param method: such as ``one.vm.allocate``
    :param parameters: without the session text; may hold passwords and secrets, so do not log them
    """


@spec
def opennebula_check_quota(session: Session, demand: QuotaDemand) -> None:
    """Called before a request takes resources, inside its transaction: everybody waits for the writer.

    The result is ignored. An ``AuthorizationError`` refuses the request and undoes all of it; any other
    exception does so too, as an internal error. No further plugin is asked. Do no I/O here; a plugin that
    takes over 5 ms is named in a warning. Since 0.1.

    :param session: who asks
    :param demand: whose share is used, and what is taken from it
    """


@spec
def opennebula_state_changed(change: StateChange) -> None:
    """Called once for each change of an object's state, after it has been committed, in order of commits.

    The result is ignored. An exception is logged with the plugin's name and changes nothing. Changes that
    were committed just before a crash are not told again: whoever must hear all keeps a cursor on
    ``one.system.changes``. Since 0.1.

    :param change: what changed, from what to what, with its sequence number
    """


@spec
def opennebula_request_done(outcome: RequestOutcome) -> None:
    """Called once for each authenticated API call that was carried out or refused, after its transaction.

    The result is ignored. An exception is logged with the plugin's name and changes nothing. Since 0.1.

    :param outcome: the method, who called, how it ended and how long it took
    """
