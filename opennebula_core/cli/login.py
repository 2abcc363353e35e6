"""``oneuser login``, ``key`` and ``token-...``: logging in, and the tokens that are kept of it.

A token never stands among the arguments, where everybody on the machine could read it; how it begins does.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.endpoint import CONFIG_FILE, with_endpoint
from opennebula_core.cli.kinds import GROUP, USER
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.texts import TextError, read_secret
from opennebula_core.cli.words import ObjectWord
from opennebula_core.client import Client, client_from_environment
from opennebula_core.errors import ConfigError

F = TypeVar("F", bound=Callable[..., Any])

LIFETIME_S: Final = 36000
CALLER: Final = -1
ALL_GROUPS: Final = -1
RESET: Final = 0
SSH, X509 = "ssh", "x509"
OWN_FILE: Final = "one_auth"
"""In ONE_LOCATION: the administrator's password, which a new database begins with."""
PASSWORD: Final = ""
"""Instead of a driver: the user types a password."""


@dataclass(frozen=True, slots=True)
class Proof:
    """How somebody proves who he is.

    :param driver: whose side of the login makes the secret; empty: a password
    """

    driver: str
    key: Path | None
    certificates: Path | None
    password_file: str | None

    def secret(self, name: str, lifetime_s: int) -> str:
        """Return the secret to log in with."""
        if self.driver == PASSWORD:
            return read_secret(self.password_file, "Password")
        secret: str = self._client_side().login_secret(name, int(time.time()) + lifetime_s, self._files())
        return secret

    def public_secret(self) -> str:
        """Return what an administrator stores with the user."""
        secret: str = self._client_side().public_secret(self._files())
        return secret

    def _client_side(self) -> Any:
        # Loaded here: finding plugins takes as long as all the rest of a command.
        return importlib.import_module("opennebula_core.plugins").load_driver("opennebula.auth", self.driver)

    def _files(self) -> object:
        contract = importlib.import_module("opennebula_core.contracts.auth")
        return contract.KeyFiles(self.key, self.certificates, lambda: read_secret(None, "Passphrase"))


def _key_options(function: F) -> F:
    path = click.Path(path_type=Path)
    for option in (
        click.option("--cert", "certificates", type=path, metavar="FILE", help="File of your certificates."),
        click.option("--key", "-k", type=path, metavar="FILE", help="File of your private key."),
        click.option(
            "--driver", default=PASSWORD, metavar="NAME", help="An auth driver with keys of its own."
        ),
        click.option("--x509", "driver", flag_value=X509, help="By certificate."),
        click.option("--ssh", "driver", flag_value=SSH, help="By ssh key."),
    ):
        function = option(function)
    return function


def _token_options(function: F) -> F:
    for option in (
        click.option("--group", "-g", type=ObjectWord(GROUP), help="The only group of calls made with it."),
        click.option("--time", "lifetime_s", type=click.IntRange(min=-1), default=LIFETIME_S,
                     show_default=True, metavar="SECONDS", help="How long it is good; -1 for ever."),
    ):  # fmt: skip
        function = option(function)
    return function


@click.command()
@click.argument("name", metavar="[USER]", required=False)
@_key_options
@_token_options
@click.option(
    "-r", "--password-file", metavar="FILE", help="File of the password; else you are asked for it."
)
@click.option("--force", is_flag=True, help="Replace the session that is there.")
@pass_application
def login(
    application: Application, name: str | None, driver: str, key: Path | None, certificates: Path | None,
    group: str | None, lifetime_s: int, password_file: str | None, force: bool,
) -> None:  # fmt: skip
    """Log in: a token takes the place of the password in ONE_AUTH, else in ~/.one/one_auth."""
    target = session_file(os.environ)
    user = name or _user_of(target)
    _check_replaceable(target, force=force)
    proof = Proof(driver, key, certificates, password_file)
    # Secrets that are signed have an end, and become the token themselves; of a password there is one made.
    secret = proof.secret(user, lifetime_s if lifetime_s > 0 else LIFETIME_S)
    text = "" if driver == PASSWORD else secret
    application.client = client_from_environment(with_endpoint(os.environ), session=f"{user}:{secret}")
    with application.client as client:
        token = make_token(client, user, text, lifetime_s, group_id(application, group))
    write_session(target, user, token)
    click.echo(f"Logged in as {user}; the session is in {target}")


@click.command()
@_key_options
def key(driver: str, key: Path | None, certificates: Path | None) -> None:
    """Print the public part of your key (of ssh, if no driver is named), for an administrator to store."""
    click.echo(Proof(driver or SSH, key, certificates, None).public_secret())


@click.command("token-create")
@click.argument("name", metavar="[USER]", required=False)
@_token_options
@pass_application
def token_create(application: Application, name: str | None, group: str | None, lifetime_s: int) -> None:
    """Make a login token, of your own if no user is named, and print it as a session: USER:TOKEN."""
    client = application.client
    owner = name if name is not None else _own(application).findtext("NAME", "")
    click.echo(f"{owner}:{make_token(client, owner, '', lifetime_s, group_id(application, group))}")


@click.command("token-set")
@click.argument("start", metavar="TOKEN")
@pass_application
def token_set(application: Application, start: str) -> None:
    """Write a file for one of your tokens (its first characters), and print what makes a shell use it."""
    found = _own(application)
    token = _one_token(found, start)
    text = token.findtext("TOKEN", "")
    path = token_file(text)
    write_session(path, found.findtext("NAME", ""), text)
    click.echo(f"export ONE_AUTH='{path}'; export ONE_EGID={token.findtext('EGID')}")


@click.command("token-delete")
@click.argument("start", metavar="TOKEN|all")
@pass_application
def token_delete(application: Application, start: str) -> None:
    """End one of your tokens (its first characters), or all, and remove the files of token-set."""
    found = _own(application)
    tokens = found.findall("LOGIN_TOKEN") if start == "all" else [_one_token(found, start)]
    text = "" if start == "all" else tokens[0].findtext("TOKEN", "")
    application.client.call("one.user.login", found.findtext("NAME", ""), text, RESET, ALL_GROUPS)
    for token in tokens:
        token_file(token.findtext("TOKEN", "")).unlink(missing_ok=True)
    click.echo(f"Ended: {len(tokens)}")


def make_token(client: Client, name: str, text: str, lifetime_s: int, egid: int) -> str:
    """Make a login token and return it.

    :param text: what becomes the token; empty: the server makes one
    """
    if lifetime_s == RESET:
        raise TextError("make a token: its life is 0 seconds; use --time with more, or -1 for ever")
    return str(client.call("one.user.login", name, text, lifetime_s, egid))


def group_id(application: Application, word: str | None) -> int:
    """Return the id of the group that a token is for, -1 for all."""
    if word is None:
        return ALL_GROUPS
    return int(word) if word.isdecimal() else Finder(application, GROUP).one(word)


def session_file(environment: Mapping[str, str]) -> Path:
    """Return the file that a login writes its session to."""
    return Path(environment.get("ONE_AUTH") or Path.home() / ".one" / "one_auth")


def token_file(token: str) -> Path:
    """Return the file of one token; its name says nothing of the token."""
    return Path.home() / ".one" / f"{hashlib.sha256(token.encode()).hexdigest()[:16]}.token"


def write_session(path: Path, name: str, secret: str) -> None:
    """Write ``name:secret`` to a file that only its owner may read, as a whole or not at all.

    :raises TextError: it cannot be written
    """
    unfinished = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{name}:{secret}\n")
        unfinished.rename(path)
    except OSError as error:
        raise TextError(f"write {str(path)!r}: {error.strerror}; name another file in ONE_AUTH") from None


def _check_replaceable(path: Path, *, force: bool) -> None:
    """Check that a session may be written to a file.

    :raises ConfigError: it is the password of a cloud on this machine, or holds a session and may stay
    """
    if path.name == OWN_FILE and (path.parent / CONFIG_FILE).is_file():
        raise ConfigError(
            f"log in: {str(path)!r} holds the administrator's password of the cloud there; name another file "
            f"in ONE_AUTH"
        )
    if path.exists() and not force:
        raise ConfigError(f"log in: {str(path)!r} is there already; replace it with --force")


def _user_of(path: Path) -> str:
    """Return the user whose session a file holds.

    :raises TextError: there is none
    """
    try:
        name, _, secret = path.read_text(encoding="utf-8").partition(":")
    except (OSError, UnicodeDecodeError):
        name = secret = ""
    if not secret:
        raise TextError(f"log in: no user is named, and none is in {str(path)!r}; name yourself")
    return name


def _own(application: Application) -> Element:
    return USER.info(application.client, CALLER)


def _one_token(user: Element, start: str) -> Element:
    """Return the token that begins so.

    :raises TextError: none does, or several do
    """
    found = [token for token in user.findall("LOGIN_TOKEN") if token.findtext("TOKEN", "").startswith(start)]
    if len(found) != 1 or not start:
        which = "none of your tokens begins" if not found else f"{len(found)} of your tokens begin"
        raise TextError(f"find the token: {which} so; 'oneuser show' lists how they begin")
    return found[0]
