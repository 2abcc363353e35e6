from __future__ import annotations

import subprocess
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


@pytest.fixture
def shell(cloud: Shell, tmp_path: Path) -> Shell:
    """The shell of somebody with a home of his own, who has no session yet."""
    return Shell(cloud.location, {"HOME": str(tmp_path), "ONE_AUTH": str(tmp_path / ".one/one_auth")})


def session(shell: Shell) -> str:
    return Path(str(shell.environment["ONE_AUTH"])).read_text().strip()


def test_a_login_puts_a_token_in_the_place_of_the_password(shell: Shell, user: str) -> None:
    assert f"Logged in as {user}" in shell.ok(f"oneuser login {user}", stdin="secret\n")

    name, _, token = session(shell).partition(":")
    assert (name, len(token)) == (user, 64)
    assert Path(str(shell.environment["ONE_AUTH"])).stat().st_mode & 0o777 == 0o600
    shown = shell.ok("oneuser show")
    assert "LOGIN TOKENS" in shown
    assert token[:8] in shown
    assert token not in shown


def test_a_session_that_is_there_is_replaced_only_by_force(shell: Shell, user: str) -> None:
    shell.ok(f"oneuser login {user} --time 60", stdin="secret\n")
    before = session(shell)
    assert "--force" in shell.refused(f"oneuser login {user}", stdin="secret\n")
    shell.ok("oneuser login --force", stdin="secret\n")
    assert session(shell) != before


def test_the_administrator_s_own_file_is_never_replaced(cloud: Shell, user: str) -> None:
    shell = Shell(cloud.location, {"ONE_AUTH": str(cloud.location / "one_auth")})
    before = (cloud.location / "one_auth").read_text()
    assert "administrator's password" in shell.refused(f"oneuser login {user} --force", stdin="secret\n")
    assert (cloud.location / "one_auth").read_text() == before


def test_a_wrong_password_logs_nobody_in(shell: Shell, user: str) -> None:
    said = shell.refused(f"oneuser login {user}", stdin="wrong\n")
    assert "authenticated" in said
    assert "wrong" not in said
    assert not Path(str(shell.environment["ONE_AUTH"])).exists()


def test_tokens_are_made_used_and_ended(shell: Shell, user: str) -> None:
    shell.ok(f"oneuser login {user}", stdin="secret\n")
    made = shell.ok("oneuser token-create --time -1 --group users").strip()
    name, _, token = made.partition(":")
    assert name == user

    exported = shell.ok(f"oneuser token-set {token[:10]}")
    file = Path(exported.partition("ONE_AUTH='")[2].partition("'")[0])
    assert file.read_text().strip() == made
    assert file.stat().st_mode & 0o777 == 0o600
    assert "ONE_EGID=1" in exported
    other = Shell(shell.location, {**shell.environment, "ONE_AUTH": str(file)})
    assert user in other.ok("oneuser show")

    shell.ok(f"oneuser token-delete {token[:10]}")
    assert not file.exists()
    other.refused("oneuser show")
    assert "none of your tokens begins so" in shell.refused(f"oneuser token-delete {token[:10]}")
    assert "Ended: 1" in shell.ok("oneuser token-delete all")
    shell.refused("oneuser show")


def test_a_key_logs_in_without_a_password(
    cloud: Shell, shell: Shell, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    pytest.importorskip("opennebula_auth_ssh")
    key, name = tmp_path / "id_ed25519", fresh_name("user")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    (tmp_path / "public").write_text(shell.ok(f"oneuser key --key {key}"))
    cloud.make(f"oneuser create {name} --driver ssh --password-file {tmp_path / 'public'}")

    shell.ok(f"oneuser login {name} --ssh --key {key} --time 600")

    assert f"NAME                : {name}" in shell.ok("oneuser show")
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    assert "authenticated" in shell.refused(f"oneuser login {name} --ssh --key {other} --force")


def test_a_driver_changes_and_its_name_is_checked(cloud: Shell, user: str, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("other\n")
    cloud.ok(f"oneuser chauth {user} public")
    assert cloud.rows(f"oneuser list -f NAME={user} -l AUTH") == [["public"]]
    cloud.ok(f"oneuser chauth {user} core --password-file {tmp_path / 'password'}")
    assert "driver 'nosuch'" in cloud.refused("oneuser key --driver nosuch")
    assert "passwords" in cloud.refused("oneuser key --driver dummy")
