from __future__ import annotations

from collections.abc import Callable

from tests.cli.shell import Shell


def test_members_of_a_new_group_may_make_vms(cloud: Shell, fresh_name: Callable[[str], str]) -> None:
    name = fresh_name("group")
    group_id = cloud.make(f"onegroup create {name}")

    rules = cloud.rows(f"oneacl list -f USER=@{group_id} -l RESOURCES,RIGHTS")
    assert ["VM+IMAGE+TEMPLATE+DOCUMENT+SECGROUP+VMGROUP", "CREATE"] in rules


def test_a_group_may_be_made_without_that(cloud: Shell, fresh_name: Callable[[str], str]) -> None:
    group_id = cloud.make(f"onegroup create {fresh_name('group')} --no-rule")

    rights = [row[0] for row in cloud.rows(f"oneacl list -f USER=@{group_id} -l RIGHTS")]
    assert rights, "the cloud's own rules"
    assert "CREATE" not in rights


def test_members_become_administrators_and_plain_again(
    cloud: Shell, fresh_name: Callable[[str], str]
) -> None:
    group, user = fresh_name("group"), fresh_name("user")
    cloud.make(f"onegroup create {group}")
    user_id = cloud.make(f"oneuser create {user} -g {group}", stdin="secret\n")

    cloud.ok(f"onegroup addadmin {group} {user}")
    assert cloud.document(f"onegroup show {group}")["GROUP"]["ADMINS"]["ID"] == [str(user_id)]
    cloud.ok(f"onegroup deladmin {group} {user}")
    assert cloud.document(f"onegroup show {group}")["GROUP"]["ADMINS"]["ID"] == []


def test_a_group_is_listed_updated_renamed_and_removed(
    cloud: Shell, fresh_name: Callable[[str], str]
) -> None:
    name = fresh_name("group")
    cloud.make(f"onegroup create {name}")

    assert cloud.ok(f"onegroup list -f NAME={name}").split()[:6] == [
        "ID",
        "NAME",
        "USERS",
        "VMS",
        "MEMORY",
        "CPU",
    ]
    cloud.ok(f"onegroup update {name}", "-", stdin='VIEW = "cloud"\n')
    assert 'VIEW="cloud"' in cloud.ok(f"onegroup show {name}")
    cloud.ok(f"onegroup rename {name} {name}-new")
    cloud.ok(f"onegroup delete {name}-new")
