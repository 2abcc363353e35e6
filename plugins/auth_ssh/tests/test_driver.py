from __future__ import annotations

import base64
import subprocess
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from opennebula_auth_ssh import SshAuth
from opennebula_auth_ssh.keys import read_private_key
from opennebula_core.contracts.auth import Credentials, KeyFiles
from opennebula_core.contracts.driver import DriverContext
from opennebula_core.errors import DriverError

PASSPHRASE = "open sesame"


def keygen(folder: Path, kind: str, *options: str, passphrase: str = "") -> Path:
    path = folder / f"id_{kind}"
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", str(path), *options]
    subprocess.run(command, check=True)
    return path


def files(key: Path) -> KeyFiles:
    return KeyFiles(key, None, lambda: PASSPHRASE)


@pytest.fixture(params=["rsa", "rsa PEM", "ed25519", "encrypted"])
def key(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A key of each kind, made by ssh-keygen."""
    match request.param:
        case "rsa PEM":
            return keygen(tmp_path, "rsa", "-m", "PEM", "-b", "2048")
        case "encrypted":
            return keygen(tmp_path, "ed25519", passphrase=PASSPHRASE)
        case kind:
            return keygen(tmp_path, kind)


@pytest.fixture
def driver(tmp_path: Path) -> SshAuth:
    return SshAuth(DriverContext("ssh", tmp_path))


def later(seconds: int = 60) -> int:
    return int(time.time()) + seconds


def shown(key: Path, secret: str, name: str = "alice", user_id: int = 2) -> Credentials:
    return Credentials(user_id, name, SshAuth.public_secret(files(key)), secret)


def test_the_owner_of_the_key_is_let_in(driver: SshAuth, key: Path) -> None:
    secret = SshAuth.login_secret("alice", later(), files(key))
    assert not any(character.isspace() for character in secret)
    assert driver.authenticate(shown(key, secret)).name == "alice"


def test_others_names_keys_and_times_are_refused(driver: SshAuth, key: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = keygen(tmp_path / "other", "rsa" if "rsa" in key.name else "ed25519")
    good = SshAuth.login_secret("alice", later(), files(key))
    stranger = SshAuth.login_secret("alice", later(), files(other))
    over = SshAuth.login_secret("alice", later(-1), files(key))
    damaged = base64.b64encode(base64.b64decode(good)[:-1] + b"x").decode()
    for credentials, why in (
        (shown(key, stranger), "not signed by his key"),
        (shown(key, damaged), "not signed by his key"),
        (shown(key, "no base64!"), "not signed by his key"),
        (shown(key, ""), "not signed by his key"),
        (shown(key, good, name="bob"), "for another user"),
        (shown(key, over), "expired"),
        (shown(key, good, user_id=-1), "not known"),
    ):
        with pytest.raises(DriverError, match=why) as caught:
            driver.authenticate(credentials)
        assert good not in str(caught.value)


def test_the_stored_key_of_rsa_is_the_original_s(tmp_path: Path) -> None:
    """OpenNebula's driver stores the PEM text of the public key without its frame and line breaks."""
    key = keygen(tmp_path, "rsa")
    public = read_private_key(key, str).public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode().splitlines()
    assert SshAuth.public_secret(files(key)) == "".join(pem[1:-1])


def test_openssl_reads_what_rsa_signed_as_the_original_does(tmp_path: Path) -> None:
    key, expiry = keygen(tmp_path, "rsa", "-m", "PEM"), later()
    signed = tmp_path / "signed"
    signed.write_bytes(base64.b64decode(SshAuth.login_secret("alice", expiry, files(key))))
    command = ["openssl", "pkeyutl", "-verifyrecover", "-inkey", str(key), "-in", str(signed)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == f"alice:{expiry}"


def test_keys_that_are_weak_or_none_are_named(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no key")
    weak = keygen(tmp_path, "rsa", "-b", "1024")
    for path, why in (
        (tmp_path / "text", "no private key"),
        (tmp_path / "missing", "No such file"),
        (weak, "neither Ed25519 nor RSA of 2048 bits"),
    ):
        with pytest.raises(DriverError, match=why):
            SshAuth.public_secret(files(path))


def test_a_wrong_passphrase_is_told(tmp_path: Path) -> None:
    key = keygen(tmp_path, "ed25519", passphrase=PASSPHRASE)
    with pytest.raises(DriverError, match="passphrase is wrong"):
        SshAuth.public_secret(KeyFiles(key, None, lambda: "wrong"))


@pytest.mark.parametrize("stored", ["", "x", "-", "c2VjcmV0"])
def test_a_stored_text_that_is_no_key_lets_nobody_in(driver: SshAuth, stored: str) -> None:
    with pytest.raises(DriverError, match="no public key"):
        driver.authenticate(Credentials(2, "alice", stored, "secret"))


def test_without_a_name_the_usual_key_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    nothing = KeyFiles(None, None, str)
    with pytest.raises(DriverError, match="--key"):
        SshAuth.public_secret(nothing)
    (tmp_path / ".ssh").mkdir()
    key = keygen(tmp_path / ".ssh", "ed25519")
    assert SshAuth.public_secret(nothing) == SshAuth.public_secret(files(key))
