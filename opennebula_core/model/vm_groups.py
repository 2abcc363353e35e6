"""Roles of groups of VMs and the rules between them: what makes sense, and what is refused.

Source of rules and texts: OpenNebula 6.10, VMGroup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from opennebula_core.errors import InternalError
from opennebula_core.model.names import check_name
from opennebula_core.model.numbers import whole_number
from opennebula_core.model.template import Template, Vector

ROLE: Final = "ROLE"
AFFINED, ANTI_AFFINED = "AFFINED", "ANTI_AFFINED"
POLICIES: Final = ("NONE", AFFINED, ANTI_AFFINED)
MAX_ROLES: Final = 32
_HOSTS: Final = ("HOST_AFFINED", "HOST_ANTI_AFFINED")
_OF_CORE: Final = ("ID", "VMS")


def find_role(roles: Template, name: str) -> Vector | None:
    """Return the role of that name, None when there is none."""
    return next((role for role in roles.vectors(ROLE) if role["NAME"] == name), None)


def role_by_id(roles: Template, role_id: int) -> Vector | None:
    """Return the role with that id, None when there is none."""
    return next((role for role in roles.vectors(ROLE) if role["ID"] == str(role_id)), None)


def add_role(roles: Template, given: Vector) -> None:
    """Add a role to those of a group; it gets the next id.

    :raises InternalError: the role makes no sense, or there is one of its name
    """
    if not given.get("NAME"):
        raise InternalError("Missing NAME in VM group role")
    present = roles.vectors(ROLE)
    if len(present) >= MAX_ROLES:
        raise InternalError(f"Maximum number of roles in a VM Group reached: {MAX_ROLES}")
    if find_role(roles, given["NAME"]) is not None:
        raise InternalError("Role already exists")
    role = Vector({name: value for name, value in given.items() if name not in _OF_CORE})
    check_role(role)
    role["ID"] = str(max((int(other["ID"]) for other in present), default=-1) + 1)
    roles.add(ROLE, role)


def change_role(roles: Template, role: Vector, given: Vector) -> None:
    """Change what a role says: attributes of ``given`` take the place of its own, empty ones remove them.

    :param role: one of ``roles``
    :raises InternalError: the role would make no sense, or its new name is taken
    """
    name = given.get("NAME", "")
    if name and name != role["NAME"] and find_role(roles, name) is not None:
        raise InternalError(f"can not update name, role with name {name} already exists")
    for key, value in given.items():
        if key in _OF_CORE or (key == "NAME" and not value):
            continue
        if value:
            role[key] = value
        else:
            role.pop(key, None)
    check_role(role)


def check_role(role: Vector) -> None:
    """Check a role's name, policy and hosts; the policy is written in capitals from now on.

    :raises InternalError: one of them cannot be used
    """
    check_name(role["NAME"])
    if "," in role["NAME"]:
        raise InternalError("Invalid NAME in VM group role: rules name roles with commas between them")
    if "POLICY" in role:
        policy = role["POLICY"] = role["POLICY"].upper()
        if policy not in POLICIES:
            raise InternalError(f"Wrong POLICY {policy[:80]!r} in VM group role; use {', '.join(POLICIES)}")
    for attribute in _HOSTS:
        wrong = [word for word in _words(role.get(attribute, "")) if whole_number(word) is None]
        if wrong:
            raise InternalError(
                f"Wrong {attribute} {wrong[0][:80]!r} in VM group role; use ids of hosts with commas between"
            )


def check_rules(template: Template, roles: Template) -> None:
    """Check that the rules between roles name roles that there are, and that no two of them contradict.

    :param template: whose AFFINED and ANTI_AFFINED are rules, each a list of roles
    :raises InternalError: they do not, or one contradicts a role's own policy
    """
    affined = set().union(*_rules(template, roles, AFFINED))
    for role in roles.vectors(ROLE):
        if role["NAME"] in affined and role.get("POLICY") == ANTI_AFFINED:
            raise InternalError(
                f"Role {role['NAME']} is in an AFFINED rule but the role policy is ANTI_AFFINED"
            )
    both = affined & set().union(*_rules(template, roles, ANTI_AFFINED))
    if both:
        raise InternalError(f"Roles defined in AFFINED and ANTI_AFFINED rules: {' '.join(sorted(both))}")


def _rules(template: Template, roles: Template, policy: str) -> Iterator[frozenset[str]]:
    known = {role["NAME"] for role in roles.vectors(ROLE)}
    seen: set[frozenset[str]] = set()
    for text in template.values(policy):
        names = frozenset(_words(text))
        if not names <= known:
            raise InternalError(f"Some roles used in {policy} attribute ({text}) are not defined")
        if names in seen:
            raise InternalError(f"Duplicated {policy} rule ({text}) detected.")
        seen.add(names)
        yield names


def _words(text: str) -> Iterable[str]:
    return filter(None, map(str.strip, text.split(",")))
