from __future__ import annotations

import pytest

from opennebula_core.client.server_user import ServerSession, server_token


def test_a_token_names_server_user_and_target() -> None:
    name, target, token = server_token("serveradmin", "opensesame", "alice", 1_700_000_060).split(":")
    assert (name, target) == ("serveradmin", "alice")
    # The same as: openssl enc -aes-256-cbc -K ... -iv ... -a
    assert token == "802W5eDQ6ZzeIhJskWobnp+OvX2x2RpOyRitsyJGFBk="


def test_a_session_is_renewed_before_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_700_000_000.0
    monkeypatch.setattr("opennebula_core.client.server_user.time.time", lambda: now)
    session = ServerSession("serveradmin", "opensesame", "oneadmin")
    first = session()
    now += 1400
    assert session() == first
    now += 200
    assert session() != first
