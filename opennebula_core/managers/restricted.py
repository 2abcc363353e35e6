"""Restricted attributes: what only administrators may write, on every way in."""

from __future__ import annotations

from collections.abc import Iterable

from opennebula_core.contracts.method import Session
from opennebula_core.errors import AuthorizationError
from opennebula_core.model.template import Template, Vector


def check_restricted(
    session: Session, given: Template, restricted: Iterable[str], what: str, present: Template | None = None
) -> None:
    """Refuse a template that sets an attribute the caller may not set.

    :param restricted: ``NAME``, or ``VECTOR/SUB`` for a part of a vector
    :param what: such as ``VM Template``, for the message
    :param present: the template that is being changed: what stays as it is may be repeated
    :raises AuthorizationError: naming the attribute
    """
    if session.is_admin:
        return
    for entry in restricted:
        name, _, sub = entry.partition("/")
        if name not in given:
            continue
        values = _values(given, name, sub)
        if values and (present is None or values != _values(present, name, sub)):
            raise AuthorizationError(f"{what} includes a restricted attribute {entry}")


def _values(template: Template, name: str, sub: str) -> list[str]:
    if not sub:
        found = [value for key, value in template if key == name]
        return [repr(sorted(value.items())) if isinstance(value, Vector) else value for value in found]
    return [vector[sub] for vector in template.vectors(name) if sub in vector]
