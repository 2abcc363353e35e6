"""Logins that drivers decide on: programs from outside, and the installed plugins, as processes."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from opennebula_core.contracts.auth import KeyFiles
from opennebula_core.errors import AuthenticationError, AuthorizationError
from opennebula_core.plugins import load_driver
from opennebula_core.testing.cloud import Cloud, running_cloud

LDAP = """#!/bin/sh
# Speaks OpenNebula's driver protocol; knows one secret, and repeats what it is given when it is another.
while read -r action id user_id driver name password secret rest; do
    case "$action" in
        INIT) echo "INIT SUCCESS" ;;
        FINALIZE) exit 0 ;;
        AUTHENTICATE)
            plain=$(printf %s "$secret" | base64 -d)
            if [ "$plain" != right ]; then
                echo "LOG I $id refused $plain"
                echo "AUTHENTICATE FAILURE $id wrong secret $plain"
            elif [ "$user_id" = -1 ]; then
                echo "AUTHENTICATE SUCCESS $id $(sed -n "s/^$name //p" people)"
            else
                echo "AUTHENTICATE SUCCESS $id -"
            fi ;;
    esac
done
"""
SETTINGS = """[users]
default_auth = "ldap"
[drivers.auth.ldap]
executable = "ldap.sh"
password_change = false
"""


def install(folder: Path, *people: str) -> None:
    """Put the program where it is found, and whom it knows."""
    (folder / "etc").mkdir()
    (folder / "var").mkdir()
    program = folder / "etc/ldap.sh"
    program.write_text(LDAP)
    program.chmod(0o755)
    (folder / "var/people").write_text("\n".join(people) + "\n")


async def refused(cloud: Cloud, session: str) -> bool:
    try:
        await cloud.call("one.user.info", -1, session=session)
    except AuthenticationError:
        return True
    return False


async def test_a_name_that_is_not_known_is_introduced_by_the_default_driver(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    install(
        tmp_path,
        "lena ldap lena cn=lena,dc=x 100 *1",
        "otto ldap otto cn=otto",
        "crook core crook x 0",
        "twin ldap oneadmin x 0",
        "stray ldap stray x 4711",
        "short ldap",
    )
    async with running_cloud(tmp_path, settings=SETTINGS) as cloud:
        await cloud.call("one.group.allocate", "dev")
        shown = await cloud.document("one.user.info", -1, session="lena:right")
        assert (shown.findtext("NAME"), shown.findtext("AUTH_DRIVER")) == ("lena", "ldap")
        assert shown.findtext("PASSWORD") == "cn=lena,dc=x"
        assert [part.text for part in shown.findall("GROUPS/ID")] == ["1", "100"]
        assert shown.findtext("GID") == "100"
        assert len(shown.findtext("TEMPLATE/TOKEN_PASSWORD", "")) == 64
        group = await cloud.document("one.group.info", 1)
        assert group.findtext("ADMINS/ID") == shown.findtext("ID")
        otto = await cloud.document("one.user.info", -1, session="otto:right")
        assert otto.findtext("GID") == "1"
        for name in ("nobody", "crook", "twin", "stray", "short", "bad name", "lena/x"):
            assert await refused(cloud, f"{name}:right"), name
        assert await refused(cloud, "lena:sesame-one")
        assert await refused(cloud, "paul:sesame-two")
        users = await cloud.document("one.userpool.info")
        names = {user.findtext("NAME") for user in users.findall("USER")}
        assert names == {"oneadmin", "serveradmin", "lena", "otto"}
        with pytest.raises(AuthorizationError, match="passwords of the driver ldap are not changed"):
            await cloud.call("one.user.passwd", 2, "x", session="lena:right")
        await cloud.call("one.user.passwd", 2, "cn=lena,dc=y")
    logs = caplog.text + "".join(path.read_text() for path in (tmp_path / "var/log").glob("*.log"))
    assert "sesame" not in logs
    assert "the driver 'core', whose users only administrators make" in logs


async def test_a_user_with_a_key_is_let_in_by_the_plugin(tmp_path: Path) -> None:
    pytest.importorskip("opennebula_auth_ssh")
    key = tmp_path / "id_rsa"
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", str(key)], check=True)
    driver = load_driver("opennebula.auth", "ssh")
    files = KeyFiles(key, None, str)
    async with running_cloud(tmp_path / "one") as cloud:
        await cloud.call("one.user.allocate", "alice", driver.public_secret(files), "ssh", [])  # type: ignore[attr-defined] # a driver class
        secret = driver.login_secret("alice", int(time.time()) + 60, files)  # type: ignore[attr-defined] # likewise
        token = await cloud.call("one.user.login", "alice", secret, 60, -1, session=f"alice:{secret}")
        assert token == secret
        shown = await cloud.document("one.user.info", -1, session=f"alice:{secret}")
        assert shown.findtext("LOGIN_TOKEN/TOKEN") == secret
        assert await refused(cloud, f"alice:{secret[:-8]}AAAAAAA=")
        assert await refused(cloud, f"nobody:{secret}")


async def test_a_driver_that_is_not_installed_lets_nobody_in_and_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_cloud(tmp_path) as cloud:
        await cloud.call("one.user.allocate", "alice", "x", "kerberos", [])
        assert await refused(cloud, "alice:sesame")
    assert "no driver 'kerberos' in opennebula.auth" in caplog.text
    assert "sesame" not in caplog.text
