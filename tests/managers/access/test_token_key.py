from __future__ import annotations

import logging
from pathlib import Path

import pytest

from opennebula_core.errors import ConfigError
from opennebula_core.managers.access.token_key import TokenKey


def test_the_first_start_makes_a_file_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "token_key"
    made = TokenKey.at(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert TokenKey.at(path).id == made.id
    assert made.id not in path.read_text()
    assert [file.name for file in tmp_path.iterdir()] == ["token_key"]


def test_what_is_sealed_opens_for_the_same_user_under_the_same_key_only(tmp_path: Path) -> None:
    key, other = TokenKey.at(tmp_path / "one"), TokenKey.at(tmp_path / "two")
    sealed = key.seal(2, "t0ken")
    assert "t0ken" not in sealed
    assert sealed != key.seal(2, "t0ken")
    assert key.open(2, sealed) == "t0ken"
    assert key.open(3, sealed) is None
    assert other.open(2, sealed) is None


def test_digests_tell_texts_users_and_keys_apart(tmp_path: Path) -> None:
    key, other = TokenKey.at(tmp_path / "one"), TokenKey.at(tmp_path / "two")
    digests = {key.digest(2, "a"), key.digest(2, "b"), key.digest(3, "a"), other.digest(2, "a")}
    assert len(digests) == 4
    assert key.digest(2, "a") == TokenKey.at(tmp_path / "one").digest(2, "a")


@pytest.mark.parametrize("text", ["", "abcd\n", "no hex at all\n", "ü"])
def test_a_damaged_file_is_moved_aside_and_named(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "token_key"
    path.write_text(text)
    path.chmod(0o600)
    key = TokenKey.at(path)
    assert TokenKey.at(path).id == key.id
    assert next(tmp_path.glob("token_key.damaged-*")).read_text() == text
    assert str(path) in caplog.text
    assert "restore the file from a backup" in caplog.text


def test_a_file_that_others_can_read_is_closed_to_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "token_key"
    key = TokenKey.at(path)
    path.chmod(0o644)
    with caplog.at_level(logging.WARNING):
        assert TokenKey.at(path).id == key.id
    assert path.stat().st_mode & 0o777 == 0o600
    assert "others could read it" in caplog.text


def test_a_key_that_cannot_be_kept_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no/token_key"):
        TokenKey.at(tmp_path / "no" / "token_key")
