"""Restricted attributes: what only administrators may write, on every way in.

Source of the rules: OpenNebula 6.10, Template. What an administrator has put into a template may be used by
all who may use the template, and stays as it is in what they make of it: they cannot change or remove it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from opennebula_core.contracts.method import Session
from opennebula_core.errors import AuthorizationError
from opennebula_core.model.template import Template, Vector

ALIASES = {"SCHED_REQUIREMENTS": "REQUIREMENTS", "SCHED_RANK": "RANK"}
"""Attributes of VMs that may be written by an older name."""

_NETWORK: Final = ("NIC_ID", "NETWORK_ID", "NETWORK", "NETWORK_UID", "NETWORK_UNAME")
_ABOUT: Final[Mapping[str, tuple[str, ...]]] = {
    "DISK": ("DISK_ID", "IMAGE_ID", "IMAGE", "IMAGE_UID", "IMAGE_UNAME"),
    "NIC": _NETWORK,
    "NIC_ALIAS": (*_NETWORK, "PARENT"),
    "AR": ("AR_ID",),
}
"""What tells vectors of one name from each other: none may be given the limits of another."""


def check_restricted(
    session: Session,
    given: Template,
    restricted: Iterable[str],
    what: str,
    present: Template | None = None,
    *,
    replaces: bool = False,
) -> None:
    """Refuse a template that sets, changes or removes an attribute that the caller may not set.

    Vectors may change their places, but none may take over what is restricted in another: all of it in one
    stays together, and with what the vector is about, such as the network of a NIC.

    :param restricted: ``NAME``, or ``VECTOR/SUB`` for a part of a vector
    :param what: such as ``VM Template``, for the message
    :param present: the template that is being changed: what stays as it is may be repeated
    :param replaces: whether vectors of ``present`` that ``given`` does not name will be gone. Of whole
        attributes that does not matter: :func:`keep_restricted` takes them over
    :raises AuthorizationError: naming the attribute
    """
    if session.is_admin:
        return
    before = Template() if present is None else present
    subs: dict[str, list[str]] = {}
    for entry in _ways_in(restricted):
        name, _, sub = entry.partition("/")
        is_touched = name in given or given.clears(name) or (replaces and bool(sub) and name in before)
        if is_touched and _values(given, name, sub) != _values(before, name, sub):
            raise AuthorizationError(f"{what} includes a restricted attribute {entry}")
        if is_touched and sub:
            subs.setdefault(name, []).append(sub)
    for name, wanted in subs.items():
        if _vectors(given, name, wanted) != _vectors(before, name, wanted):
            raise AuthorizationError(
                f"{what} includes a restricted attribute {name}/{wanted[0]} of another {name}"
            )


def keep_restricted(session: Session, merged: Template, present: Template, restricted: Iterable[str]) -> None:
    """Take over what is restricted as a whole into a new template of somebody who may not drop it."""
    if not session.is_admin:
        keep(merged, present, (entry for entry in _ways_in(restricted) if "/" not in entry))


def keep(merged: Template, present: Template, names: Iterable[str]) -> None:
    """Take over attributes that a new template does not have."""
    for name in names:
        if name not in merged:
            for key, value in present:
                if key == name:
                    merged.add(key, value)


def _ways_in(restricted: Iterable[str]) -> Iterable[str]:
    """Yield the entries, and those by which the same would come in under another name."""
    seen = dict.fromkeys(entry.upper() for entry in restricted)
    for entry in list(seen):
        name, _, sub = entry.partition("/")
        if name == "NIC" and sub:
            seen[f"NIC_DEFAULT/{sub}"] = None  # goes into every NIC that does not say otherwise
        if entry in ALIASES:
            seen[ALIASES[entry]] = None
    return seen


def _values(template: Template, name: str, sub: str) -> list[str]:
    if sub:
        return sorted(vector[sub] for vector in template.vectors(name) if sub in vector)
    found = [value for key, value in template if key == name]
    return sorted(repr(sorted(value.items())) if isinstance(value, Vector) else value for value in found)


def _vectors(template: Template, name: str, subs: Iterable[str]) -> Counter[frozenset[tuple[str, str]]]:
    """Return what is restricted in each vector that has any of it, with what the vector is about."""
    about = _ABOUT.get(name, ())
    found = []
    for vector in template.vectors(name):
        held = [(sub, vector[sub]) for sub in subs if sub in vector]
        if held:
            found.append(frozenset([*held, *((key, vector[key]) for key in about if vector.get(key))]))
    return Counter(found)
