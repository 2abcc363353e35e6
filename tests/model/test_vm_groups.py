from __future__ import annotations

import pytest

from opennebula_core.errors import InternalError
from opennebula_core.model.template import Template, Vector
from opennebula_core.model.vm_groups import (
    MAX_ROLES,
    ROLE,
    add_role,
    change_role,
    check_rules,
    find_role,
    role_by_id,
)


def made(text: str) -> Template:
    roles = Template()
    for role in Template.parse(text).vectors(ROLE):
        add_role(roles, role)
    return roles


THREE = "ROLE=[NAME=web]\nROLE=[NAME=db,POLICY=anti_affined]\nROLE=[NAME=cache]\n"


def test_roles_are_numbered_and_found_by_name_and_number() -> None:
    roles = made(THREE)
    assert [role["ID"] for role in roles.vectors(ROLE)] == ["0", "1", "2"]
    database = find_role(roles, "db")
    assert database is role_by_id(roles, 1)
    assert database is not None
    assert database["POLICY"] == "ANTI_AFFINED"
    assert (find_role(roles, "x"), role_by_id(roles, 7)) == (None, None)
    roles.discard(ROLE, database)
    add_role(roles, Vector(NAME="new", ID="0", VMS="7"))
    new = find_role(roles, "new")
    assert new == {"NAME": "new", "ID": "3"}


@pytest.mark.parametrize(
    ("role", "text"),
    [
        ("POLICY=AFFINED", "Missing NAME in VM group role"),
        ("NAME=web", "Role already exists"),
        ('NAME="a,b"', "commas between"),
        ('NAME="a/b"', "NAME"),
        ("NAME=x,POLICY=NEAR", "Wrong POLICY 'NEAR' in VM group role; use NONE, AFFINED, ANTI_AFFINED"),
        ('NAME=x,HOST_AFFINED="1,h2"', "Wrong HOST_AFFINED 'h2' in VM group role"),
        ('NAME=x,HOST_ANTI_AFFINED="-1"', "Wrong HOST_ANTI_AFFINED '-1'"),
    ],
)
def test_a_role_that_makes_no_sense_is_refused(role: str, text: str) -> None:
    with pytest.raises(InternalError, match=text):
        made(f"{THREE}ROLE=[{role}]")


def test_there_are_only_so_many_roles() -> None:
    roles = made("\n".join(f"ROLE=[NAME=r{number}]" for number in range(MAX_ROLES)))
    with pytest.raises(InternalError, match="Maximum number of roles"):
        add_role(roles, Vector(NAME="more"))


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        ('AFFINED="web, x"', r"Some roles used in AFFINED attribute \(web, x\) are not defined"),
        ('ANTI_AFFINED="x"', "Some roles used in ANTI_AFFINED"),
        ('AFFINED="web,cache"\nAFFINED="cache, web"', r"Duplicated AFFINED rule \(cache, web\) detected"),
        ('AFFINED="web,db"', "Role db is in an AFFINED rule but the role policy is ANTI_AFFINED"),
        (
            'AFFINED="web,cache"\nANTI_AFFINED="web,db"\nANTI_AFFINED="cache,db"',
            "Roles defined in AFFINED and ANTI_AFFINED rules: cache web",
        ),
    ],
)
def test_rules_that_contradict_are_refused(rules: str, text: str) -> None:
    with pytest.raises(InternalError, match=text):
        check_rules(Template.parse(rules), made(THREE))


def test_rules_that_agree_are_taken() -> None:
    check_rules(Template.parse('AFFINED="web,cache"\nANTI_AFFINED=db\nNOTE=x'), made(THREE))
    check_rules(Template(), Template())


def test_a_role_changes_but_for_its_number_and_its_vms() -> None:
    roles = made(THREE)
    role = find_role(roles, "web")
    assert role is not None
    change_role(roles, role, Vector(NAME="front", POLICY="affined", ID="9", VMS="1", HOST_AFFINED="1, 2"))
    assert role == {"ID": "0", "NAME": "front", "POLICY": "AFFINED", "HOST_AFFINED": "1, 2"}
    change_role(roles, role, Vector(HOST_AFFINED="", NAME=""))
    assert role == {"ID": "0", "NAME": "front", "POLICY": "AFFINED"}
    with pytest.raises(InternalError, match="role with name db already exists"):
        change_role(roles, role, Vector(NAME="db"))
    with pytest.raises(InternalError, match="Wrong POLICY"):
        change_role(roles, role, Vector(POLICY="x"))
