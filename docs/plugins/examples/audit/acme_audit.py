"""Writes a line for each change of state, and lets nobody but administrators start big VMs."""

import logging

from opennebula_core.contracts.event import StateChange
from opennebula_core.contracts.method import Session
from opennebula_core.errors import AuthorizationError
from opennebula_core.hookspecs import impl

LOG = logging.getLogger(__name__)


@impl
def opennebula_state_changed(change: StateChange) -> None:
    """Write a line; the number tells whether one is missing."""
    LOG.info("%d %s %d: %d", change.sequence, change.kind, change.object_id, change.after)


@impl
def opennebula_before_request(session: Session, method: str, parameters: tuple[object, ...]) -> None:
    """Refuse VMs with more than 64 CPUs."""
    if method == "one.vm.allocate" and "CPU=65" in str(parameters[0]) and not session.is_admin:
        raise AuthorizationError(f"{session.user_name} may not start VMs with more than 64 CPUs")
