from __future__ import annotations

import os
from pathlib import Path

import pytest

from opennebula_core.config import Config, Location
from opennebula_core.errors import ConfigError
from opennebula_core.scheduling.credentials import ServerUserFile, connect


def test_the_secret_is_read_again_when_the_file_changes(tmp_path: Path) -> None:
    path = tmp_path / "sched_auth"
    path.write_text("serveradmin:first\n")
    session = ServerUserFile(path)
    before = session()
    assert before.startswith("serveradmin:serveradmin:")
    assert session() == before
    path.write_text("serveradmin:second\n")
    os.utime(path, ns=(1, 1))
    assert session() != before


def test_a_file_that_is_gone_is_an_error_until_it_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "sched_auth"
    path.write_text("serveradmin:first\n")
    session = ServerUserFile(path)
    path.unlink()
    with pytest.raises(ConfigError):
        session()
    path.write_text("serveradmin:second\n")
    assert session()


@pytest.mark.parametrize(
    ("endpoint", "environ", "expected"),
    [
        ("http://a/RPC2", {"ONE_XMLRPC": "http://b/RPC2"}, "http://a/RPC2"),
        ("", {"ONE_XMLRPC": "http://b/RPC2"}, "http://b/RPC2"),
        ("", {}, "http://127.0.0.1:2633/RPC2"),
    ],
)
def test_the_endpoint_is_the_nearest_that_is_named(
    location: Path, endpoint: str, environ: dict[str, str], expected: str
) -> None:
    with connect(Config(Location.at(location)), endpoint, environ) as client:
        assert client.endpoint == expected


def test_an_administrators_session_does_where_there_is_no_server_user(location: Path, tmp_path: Path) -> None:
    (location / "var" / ".one" / "sched_auth").unlink()
    session = tmp_path / "one_auth"
    session.write_text("oneadmin:secret\n")
    with connect(Config(Location.at(location)), "", {"ONE_AUTH": str(session)}) as client:
        assert client.endpoint == "http://127.0.0.1:2633/RPC2"


def test_without_any_credentials_it_is_said_where_they_are_looked_for(location: Path) -> None:
    (location / "var" / ".one" / "sched_auth").unlink()
    with pytest.raises(ConfigError, match="cannot read your session"):
        connect(Config(Location.at(location)), "", {"HOME": str(location)})
