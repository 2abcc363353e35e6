from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from opennebula_auth_x509 import X509Auth
from opennebula_core.contracts.auth import Credentials, KeyFiles
from opennebula_core.contracts.driver import DriverContext
from opennebula_core.errors import DriverError

from .conftest import Authority

ALICE = "/C=ES/O=Example/CN=Alice Smith"
STORED = r"/C=ES/O=Example/CN=Alice\x20Smith"


def files(key: Path, certificate: Path) -> KeyFiles:
    return KeyFiles(key, certificate, lambda: "open sesame")


@pytest.fixture
def trusted(tmp_path: Path, authority: Authority) -> Path:
    """The folder of authorities, with the one of this test."""
    folder = tmp_path / "etc/auth/certificates"
    folder.mkdir(parents=True)
    shutil.copy(authority.folder / "ca.pem", folder)
    return folder


def driver(tmp_path: Path, **settings: bool) -> X509Auth:
    return X509Auth(DriverContext("x509", tmp_path, settings))


def later(seconds: int = 60) -> int:
    return int(time.time()) + seconds


def refusal(tmp_path: Path, secret: str, *, name: str = "alice", stored: str = STORED, user_id: int = 2,
            **settings: bool) -> str:  # fmt: skip
    """Return why a login is refused, empty when it is not."""
    try:
        identity = driver(tmp_path, **settings).authenticate(Credentials(user_id, name, stored, secret))
    except DriverError as error:
        return "it repeats the secret" if len(secret) > 20 and secret in str(error) else str(error)
    assert identity.name == name
    return ""


@pytest.mark.parametrize("key", ["rsa:2048", "ec"])
def test_the_owner_of_the_certificate_is_let_in(
    tmp_path: Path, authority: Authority, trusted: Path, key: str
) -> None:
    found = files(*authority.issue("alice", ALICE, key=key))
    assert X509Auth.public_secret(found) == STORED
    secret = X509Auth.login_secret("alice", later(), found)
    assert not any(character.isspace() for character in secret)
    assert refusal(tmp_path, secret) == ""
    assert refusal(tmp_path, secret, stored=f"/CN=Somebody|{STORED}") == ""


@pytest.mark.parametrize("key", ["rsa:2048", "ec"])
def test_others_names_subjects_and_times_are_refused(
    tmp_path: Path, authority: Authority, trusted: Path, key: str
) -> None:
    found = files(*authority.issue("alice", ALICE, key=key))
    good = X509Auth.login_secret("alice", later(), found)
    over = X509Auth.login_secret("alice", later(-1), found)
    assert "not what is stored" in refusal(tmp_path, good, stored="/C=ES/O=Example/CN=Authority")
    assert "for another user" in refusal(tmp_path, good, name="bob")
    assert "expired" in refusal(tmp_path, over)
    assert "not known" in refusal(tmp_path, good, user_id=-1)
    for damaged in ("", "x", "c2VjcmV0", "OnNlY3JldA=="):
        assert "no signed text" in refusal(tmp_path, damaged)


def test_a_certificate_without_its_key_gets_nobody_in(
    tmp_path: Path, authority: Authority, trusted: Path
) -> None:
    _, certificate = authority.issue("alice", ALICE)
    other_key, _ = authority.issue("other", "/CN=Other")
    with pytest.raises(DriverError, match="not the key of the first certificate"):
        X509Auth.login_secret("alice", later(), files(other_key, certificate))


def test_what_another_authority_issued_is_refused(
    tmp_path: Path, authority: Authority, trusted: Path
) -> None:
    other = Authority(tmp_path / "other", "Example")
    other.found()
    secret = X509Auth.login_secret("alice", later(), files(*other.issue("alice", ALICE)))
    assert "Alice Smith" in refusal(tmp_path, secret)


def test_a_certificate_for_servers_is_no_login(tmp_path: Path, authority: Authority, trusted: Path) -> None:
    found = files(*authority.issue("alice", ALICE, usage="serverAuth"))
    assert "not for logins" in refusal(tmp_path, X509Auth.login_secret("alice", later(), found))


def test_what_is_revoked_is_refused(tmp_path: Path, authority: Authority, trusted: Path) -> None:
    key, certificate = authority.issue("alice", ALICE)
    secret = X509Auth.login_secret("alice", later(), files(key, certificate))
    assert "no revocation list" in refusal(tmp_path, secret, require_crl=True)
    authority.revocations(trusted / "ca.crl")
    assert refusal(tmp_path, secret, require_crl=True) == ""
    authority.revoke(certificate)
    authority.revocations(trusted / "ca.crl")
    assert "is revoked" in refusal(tmp_path, secret)


def test_all_lists_of_a_file_count(tmp_path: Path, authority: Authority, trusted: Path) -> None:
    key, certificate = authority.issue("alice", ALICE)
    secret = X509Auth.login_secret("alice", later(), files(key, certificate))
    other = Authority(tmp_path / "other", "Elsewhere")
    shutil.copy(other.found(), trusted / "other.pem")
    authority.revoke(certificate)
    texts = []
    for made in (other, authority):
        made.revocations(tmp_path / "one.crl")
        texts.append((tmp_path / "one.crl").read_text())
    (trusted / "all.crl").write_text("".join(texts))
    assert "is revoked" in refusal(tmp_path, secret)
    (trusted / "all.crl").write_text("".join(texts)[:-40])
    assert "has no end" in refusal(tmp_path, secret)


def test_a_certificate_for_nobody_lets_nobody_in(tmp_path: Path, authority: Authority, trusted: Path) -> None:
    cnf = authority.folder / "ca.cnf"
    cnf.write_text(cnf.read_text().replace("supplied", "optional"))
    secret = X509Auth.login_secret("alice", later(), files(*authority.issue("alice", "/")))
    for stored in ("", "|", f"{STORED}|"):
        assert "is for nobody" in refusal(tmp_path, secret, stored=stored)


def test_no_authority_at_all_lets_nobody_in(tmp_path: Path, authority: Authority) -> None:
    found = files(*authority.issue("alice", ALICE))
    assert "no authority is trusted" in refusal(tmp_path, X509Auth.login_secret("alice", later(), found))


def test_a_slash_in_a_value_does_not_make_two_of_it(authority: Authority) -> None:
    found = files(*authority.issue("host", r"/CN=host\/CN=oneadmin"))
    assert X509Auth.public_secret(found) == r"/CN=host\x2fCN=oneadmin"
    found = files(*authority.issue("other", r"/CN=host\\x2fCN=oneadmin"))
    assert X509Auth.public_secret(found) == r"/CN=host\x5cx2fCN=oneadmin"


def test_files_that_are_none_are_named(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("nothing")
    for path, why in ((tmp_path / "text", "no certificates"), (tmp_path / "missing", "No such file")):
        with pytest.raises(DriverError, match=why):
            X509Auth.public_secret(files(path, path))
