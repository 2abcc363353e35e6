from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.shell import Shell


@pytest.fixture
def user(cloud: Shell, fresh_name: Callable[[str], str]) -> str:
    """The name of a user whose password is ``secret``."""
    name = fresh_name("user")
    cloud.make(f"oneuser create {name}", stdin="secret\n")
    return name


def shell_of(cloud: Shell, name: str, password: str) -> Shell:
    auth = cloud.location / f"{name}.{password}"
    auth.write_text(f"{name}:{password}\n")
    return Shell(cloud.location, {"ONE_AUTH": str(auth)})


def test_users_are_listed_in_the_originals_columns(cloud: Shell, user: str) -> None:
    header, row = cloud.ok(f"oneuser list -f NAME={user}").splitlines()

    assert header.split() == ["ID", "NAME", "ENAB", "GROUP", "AUTH", "VMS", "MEMORY", "CPU"]
    assert row.split()[1:5] == [user, "yes", "users", "core"]


def test_the_password_comes_from_a_file(
    cloud: Shell, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    name, file = fresh_name("user"), tmp_path / "password"
    file.write_text("from the file\n")

    cloud.make(f"oneuser create {name} --password-file {file}")

    assert f"NAME                : {name}" in shell_of(cloud, name, "from the file").ok("oneuser show")


def test_no_password_at_all_is_refused(cloud: Shell) -> None:
    assert "no password" in cloud.refused("oneuser create nobody", stdin="")


def test_passwords_change_ones_own_and_others(cloud: Shell, user: str) -> None:
    shell_of(cloud, user, "secret").ok("oneuser passwd", stdin="second\n")
    assert user in shell_of(cloud, user, "second").ok("oneuser show")

    cloud.ok(f"oneuser passwd {user}", stdin="third\n")
    assert user in shell_of(cloud, user, "third").ok("oneuser show")


def test_a_wrong_password_is_told_plainly(cloud: Shell, user: str) -> None:
    said = shell_of(cloud, user, "wrong").refused("onevm list")

    assert "authenticated" in said
    assert "Traceback" not in said


def test_groups_change(cloud: Shell, user: str, fresh_name: Callable[[str], str]) -> None:
    group = fresh_name("group")
    group_id = cloud.make(f"onegroup create {group}")

    cloud.ok(f"oneuser addgroup {user} {group}")
    assert cloud.document(f"oneuser show {user}")["USER"]["GROUPS"]["ID"] == ["1", str(group_id)]
    cloud.ok(f"oneuser delgroup {user} {group}")
    cloud.ok(f"oneuser chgrp {user} {group}")

    assert cloud.rows(f"oneuser list -f NAME={user} -l GROUP") == [[group]]


def test_a_disabled_user_is_refused(cloud: Shell, user: str) -> None:
    cloud.ok(f"oneuser disable {user}")
    assert "User couldn't be authenticated" in shell_of(cloud, user, "secret").refused("onevm list")
    cloud.ok(f"oneuser enable {user}")
    assert shell_of(cloud, user, "secret").ok("onevm list").startswith("ID USER")


def test_a_user_is_updated_and_removed(cloud: Shell, user: str) -> None:
    cloud.ok(f"oneuser update {user}", "-", stdin='EMAIL = "a@example.org"\n')
    assert 'EMAIL="a@example.org"' in cloud.ok(f"oneuser show {user}")

    cloud.ok(f"oneuser delete {user}")
    assert "there is none of that name" in cloud.refused(f"oneuser show {user}")


def test_the_json_of_a_filtered_list_keeps_the_quotas_of_its_users(cloud: Shell, user: str) -> None:
    pool = cloud.document(f"oneuser list -f NAME={user}")["USER_POOL"]

    assert [item["NAME"] for item in pool["USER"]] == [user]
    assert [quotas["ID"] for quotas in pool["QUOTAS"]] == [pool["USER"][0]["ID"]]


@pytest.mark.parametrize("command", ["create", "passwd"])
def test_a_password_among_the_arguments_is_refused_with_the_ways_that_hide_it(
    cloud: Shell, command: str
) -> None:
    said = " ".join(cloud.misused(f"oneuser {command} alice pw1").split())

    assert "can be read by everybody on this machine" in said
    assert "--password-file" in said
    assert "pw1" not in said


def test_the_file_of_the_password_has_the_originals_name_too(
    cloud: Shell, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    file = tmp_path / "password"
    file.write_text("from the file\n")
    name = fresh_name("user")
    cloud.make(f"oneuser create {name} --read-file {file}")

    assert name in shell_of(cloud, name, "from the file").ok("oneuser show")
