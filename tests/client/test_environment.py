from __future__ import annotations

from pathlib import Path

import pytest

from opennebula_core.client.environment import (
    DEFAULT_ENDPOINT,
    auth_path,
    client_from_environment,
    read_session,
)
from opennebula_core.errors import ClientError, ConfigError


def test_one_auth_names_the_file(tmp_path: Path) -> None:
    assert auth_path({"ONE_AUTH": "/a/file", "ONE_LOCATION": str(tmp_path)}) == Path("/a/file")


def test_the_location_s_file_comes_before_the_home_folder_s(tmp_path: Path) -> None:
    environment = {"ONE_LOCATION": str(tmp_path), "HOME": "/home/somebody"}
    assert auth_path(environment) == Path("/home/somebody/.one/one_auth")
    (tmp_path / "one_auth").write_text("oneadmin:secret\n")
    assert auth_path(environment) == tmp_path / "one_auth"


def test_the_first_line_is_the_session(tmp_path: Path) -> None:
    (tmp_path / "auth").write_text("oneadmin:se:cret  \nsecond line\n")
    assert read_session(tmp_path / "auth") == "oneadmin:se:cret"


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ONE_AUTH"):
        read_session(tmp_path / "nothing")


@pytest.mark.parametrize("text", ["", "oneadmin\n"])
def test_a_file_without_a_session_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "auth").write_text(text)
    with pytest.raises(ConfigError, match="user:password"):
        read_session(tmp_path / "auth")


def test_a_client_is_made_for_the_default_endpoint(tmp_path: Path) -> None:
    (tmp_path / "auth").write_text("oneadmin:secret\n")
    client = client_from_environment({"ONE_AUTH": str(tmp_path / "auth")})
    assert client.endpoint == DEFAULT_ENDPOINT


@pytest.mark.parametrize("endpoint", ["nonsense", "ftp://host/RPC2", "http://", "http://host:port/RPC2"])
def test_an_endpoint_that_is_none_is_refused(tmp_path: Path, endpoint: str) -> None:
    (tmp_path / "auth").write_text("oneadmin:secret\n")
    with pytest.raises(ClientError, match="endpoint"):
        client_from_environment({"ONE_AUTH": str(tmp_path / "auth"), "ONE_XMLRPC": endpoint})


@pytest.mark.parametrize("timeout", ["soon", "0", "-3"])
def test_a_timeout_that_is_none_is_refused(tmp_path: Path, timeout: str) -> None:
    (tmp_path / "auth").write_text("oneadmin:secret\n")
    with pytest.raises(ConfigError, match="ONE_XMLRPC_TIMEOUT"):
        client_from_environment({"ONE_AUTH": str(tmp_path / "auth"), "ONE_XMLRPC_TIMEOUT": timeout})
