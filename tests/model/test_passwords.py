from __future__ import annotations

import hashlib

import pytest

from opennebula_core.model.passwords import Cost, decoy, hash_password, is_password, server_digest

CHEAP = Cost(n=16, r=8, p=1)


def test_a_password_is_the_one_that_was_stored() -> None:
    stored = hash_password("pässword:with colon", CHEAP)
    assert stored.startswith("scrypt$n=16,r=8,p=1$")
    assert is_password(stored, "pässword:with colon")
    assert not is_password(stored, "password")
    assert not is_password(stored, "")


def test_the_same_password_is_stored_differently_each_time() -> None:
    assert hash_password("secret", CHEAP) != hash_password("secret", CHEAP)


def test_what_is_stored_is_no_password() -> None:
    stored = hash_password("secret", CHEAP)
    assert not is_password(stored, stored)
    assert not is_password(server_digest("secret"), server_digest("secret"))


def test_a_digest_of_an_opennebula_database_is_accepted() -> None:
    assert is_password(hashlib.sha256(b"secret").hexdigest(), "secret")


def test_a_decoy_accepts_nothing() -> None:
    assert not is_password(decoy(CHEAP), "")
    assert not is_password(decoy(CHEAP), "secret")


def test_the_default_cost_is_checked_too() -> None:
    assert is_password(hash_password("secret"), "secret")


@pytest.mark.parametrize(
    "stored", ["", "-", "secret", "scrypt$", "scrypt$n=16,r=8,p=1$a$b", "scrypt$n=x,r=8,p=1$YQ==$YQ=="]
)
def test_what_is_no_stored_password_accepts_nothing(stored: str) -> None:
    assert not is_password(stored, "secret")
    assert not is_password(stored, stored)
