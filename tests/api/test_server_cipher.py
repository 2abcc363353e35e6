from __future__ import annotations

import pytest

from opennebula_core.api.server_cipher import ServerCall, read_server_session
from opennebula_core.client.server_user import server_token
from opennebula_core.model.passwords import server_digest

NOW = 1_700_000_000
STORED = server_digest("opensesame")


def secret(
    name: str = "serveradmin", password: str = "opensesame", target: str = "alice", expiry: int = NOW + 60
) -> str:
    return server_token(name, password, target, expiry).partition(":")[2]


def read(text: str, stored: str = STORED) -> ServerCall | None:
    return read_server_session("serveradmin", stored, text, NOW)


def test_a_good_token_names_its_target() -> None:
    assert read(secret()) == ServerCall("alice", -1, NOW + 60)


def test_a_group_may_stand_before_the_token() -> None:
    target, token = secret().split(":")
    assert read(f"{target}:100:{token}") == ServerCall("alice", 100, NOW + 60)


def test_a_token_made_by_openssl_is_good() -> None:
    # printf 'serveradmin:alice:1700000060' | openssl enc -aes-256-cbc -a -K ... -iv ...
    token = "802W5eDQ6ZzeIhJskWobnp+OvX2x2RpOyRitsyJGFBk="
    assert read(f"alice:{token}") is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice",
        "alice:",
        "alice:not base64",
        "alice:AAAA",
        "alice:" + "A" * 43 + "=",
        "a:b:c:d",
        secret(password="wrong"),
        secret(name="another"),
        secret(expiry=NOW),
        secret(expiry=NOW - 1),
        "bob:" + secret().split(":")[1],
        "alice:-1:" + secret().split(":")[1],
        "alice:x:" + secret().split(":")[1],
    ],
)
def test_what_is_no_good_token_is_refused(text: str) -> None:
    assert read(text) is None


def test_a_server_user_without_a_digest_is_refused() -> None:
    assert read(secret(), stored="scrypt$n=16,r=8,p=1$YQ==$YQ==") is None
    assert read(secret(), stored="") is None
