from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.shell import Shell


@pytest.fixture
def group(cloud: Shell, fresh_name: Callable[[str], str]) -> str:
    """The name of a group of VMs with two roles that run apart."""
    name = fresh_name("app")
    roles = "--role NAME=db:POLICY=ANTI_AFFINED --role NAME=web:HOST_AFFINED=0,1"
    cloud.make(f"onevmgroup create --name {name} {roles} --anti-affined db,web")
    return name


def test_groups_are_listed_in_the_originals_columns(cloud: Shell, group: str) -> None:
    header, row = cloud.ok(f"onevmgroup list -f NAME={group}").splitlines()

    assert header.split() == ["ID", "USER", "GROUP", "NAME", "VMS", "ROLES"]
    assert row.split()[3:] == [group, "0", "db,", "web"]


def test_vms_come_into_a_role_and_leave_it(
    cloud: Shell, group: str, fresh_name: Callable[[str], str]
) -> None:
    name = fresh_name("vm")
    vm_id = cloud.make(f"onevm create --name {name} --cpu 0.1 --memory 16M --hold")
    cloud.ok(f"onevm vmgroup-add {name} {group} db")

    assert cloud.rows(f"onevmgroup list -f NAME={group} -l VMS") == [["1"]]
    roles = cloud.ok(f"onevmgroup show {group}").partition("ROLES\n")[2].splitlines()
    assert roles[0].split() == [
        "ID", "NAME", "POLICY", "AFFINED_HOSTS", "ANTI_AFFINED_HOSTS", "VIRTUAL_MACHINES",
    ]  # fmt: skip
    assert roles[1].split() == ["0", "db", "ANTI_AFFINED", "-", "-", str(vm_id)]
    assert roles[2].split() == ["1", "web", "-", "0,1", "-", "-"]
    assert f"such as VM {vm_id}" in cloud.refused(f"onevmgroup delete {group}")
    cloud.ok(f"onevm vmgroup-del {name}")
    cloud.ok(f"onevm terminate {name}")
    cloud.ok(f"onevmgroup delete {group}")


def test_roles_are_added_changed_and_removed(cloud: Shell, group: str, tmp_path: Path) -> None:
    file = tmp_path / "role"
    file.write_text("ROLE = [ NAME = cache, POLICY = AFFINED ]\n")
    cloud.ok(f"onevmgroup role-add {group}", str(file))
    cloud.ok(f"onevmgroup role-add {group} --name store --policy NONE")
    cloud.ok(f"onevmgroup role-update {group} cache", "-", stdin="NAME = memory\nHOST_AFFINED = 1\n")
    cloud.ok(f"onevmgroup role-delete {group} 3")

    roles = cloud.document(f"onevmgroup show {group}")["VM_GROUP"]["ROLES"]["ROLE"]
    assert [role["NAME"] for role in roles] == ["db", "web", "memory"]
    assert (roles[2]["POLICY"], roles[2]["HOST_AFFINED"]) == ("AFFINED", "1")
    assert "it has db, web, memory" in cloud.refused(f"onevmgroup role-delete {group} none")
    assert "Some roles used in ANTI_AFFINED" in cloud.refused(f"onevmgroup role-delete {group} web")
    assert "describes no role" in cloud.refused(f"onevmgroup role-update {group} web", "-", stdin="\n")


def test_a_group_is_changed_shared_locked_and_removed(
    cloud: Shell, group: str, fresh_name: Callable[[str], str]
) -> None:
    cloud.ok(f"onevmgroup update {group} --append", "-", stdin='DESCRIPTION = "an app"\n')
    for line in (f"chmod {group} 644", f"chgrp {group} users", f"lock {group}", f"unlock {group}"):
        cloud.ok(f"onevmgroup {line}")
    cloud.ok(f"onevmgroup rename {group} {group}-2")

    text = cloud.ok(f"onevmgroup show {group}-2")
    assert 'DESCRIPTION="an app"' in text
    assert "OTHER               : u--" in text
    cloud.ok(f"onevmgroup delete {group}-2")
    file = fresh_name("file")
    cloud.make("onevmgroup create", "-", stdin=f"NAME = {file}\nROLE = [ NAME = one ]\n")
    cloud.ok(f"onevmgroup delete {file}")
