"""The API over TLS: a private authority, a client that knows the certificate itself, its renewal."""

from __future__ import annotations

import asyncio
import logging
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pyone
import pytest

from opennebula_core.api.authentication import Authenticator
from opennebula_core.api.dispatch import Dispatcher
from opennebula_core.api.http import HttpApplication
from opennebula_core.api.methods import MethodTable
from opennebula_core.api.server import Server
from opennebula_core.client import Client
from opennebula_core.config import ApiSettings
from opennebula_core.contracts.method import Access, Method, Mode
from opennebula_core.db.store import Store
from opennebula_core.errors import ClientError

from .conftest import ADMIN, CHEAP, METHODS

VERSION = Method(
    "one.system.version", (), Access.ANYONE, Mode.POINT, lambda _tx, _session: "7.4.0", "Say it."
)


class Authority:
    """An authority in a folder, and the certificates that it issues for servers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
                  "-subj", "/CN=Authority", "-days", "9", "-addext", "basicConstraints=critical,CA:TRUE",
                  "-addext", "keyUsage=critical,keyCertSign,cRLSign")  # fmt: skip

    def issue(self, target: Path, name: str) -> None:
        """Write api.crt and api.key for a server of that name."""
        target.mkdir(exist_ok=True)
        certificate, key = str(target / "api.crt"), str(target / "api.key")
        extensions = (
            f"subjectAltName={name}",
            "basicConstraints=critical,CA:FALSE",
            "keyUsage=critical,digitalSignature",
            "authorityKeyIdentifier=keyid",
        )
        added = [word for extension in extensions for word in ("-addext", extension)]
        self._run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-CA", "ca.pem", "-CAkey", "ca.key",
                  "-subj", "/CN=server", "-days", "9", "-keyout", key, "-out", certificate, *added
                  )  # fmt: skip

    def trusted(self, folder: Path) -> str:
        """Return a folder in which clients find the authority."""
        folder.mkdir()
        (folder / "authority.pem").write_text("An authority\n" + (self.folder / "ca.pem").read_text())
        (folder / "notes.txt").write_text("no certificate")
        return str(folder)

    def _run(self, *arguments: str) -> None:
        done = subprocess.run(
            ["openssl", *arguments], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca")


@pytest.fixture
async def server(store: Store, tmp_path: Path, authority: Authority) -> AsyncIterator[Server]:
    etc = tmp_path / "etc"
    authority.issue(etc, "IP:127.0.0.1")
    table = MethodTable((*METHODS, VERSION))
    authenticator = Authenticator(store, cost=CHEAP)
    application = HttpApplication(Dispatcher(store, authenticator, table, version="7.4.0"), store)
    server = Server(ApiSettings(port=0, certificate="api.crt", key="api.key"), application, etc=etc)
    await server.start()
    yield server
    await server.stop()
    authenticator.close()


def endpoint(server: Server) -> str:
    return f"https://127.0.0.1:{server.port}/RPC2"


async def greeted(client: Client) -> object:
    return await asyncio.to_thread(client.call, "one.test.greet", "hello")


async def test_our_client_takes_a_private_authority(
    server: Server, authority: Authority, tmp_path: Path
) -> None:
    folder = authority.trusted(tmp_path / "trusted")
    with Client(endpoint(server), ADMIN, certificate_folder=folder) as client:
        assert await greeted(client) == "hello, oneadmin"
    with Client(endpoint(server), ADMIN) as client, pytest.raises(ClientError, match="not trusted"):
        await greeted(client)


async def test_pyone_takes_a_private_authority(
    server: Server, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.folder / "ca.pem"))
    one = pyone.OneServer(endpoint(server), session=ADMIN)
    assert await asyncio.to_thread(one.system.version) == "7.4.0"


async def test_a_pinned_certificate_is_taken_whatever_its_name_and_no_other_is(
    server: Server, authority: Authority, tmp_path: Path
) -> None:
    authority.issue(tmp_path / "etc", "DNS:cloud.example.org")
    server.reload_certificate()
    pinned = tmp_path / "etc/api.crt"
    with Client(endpoint(server), ADMIN, server_certificate=pinned) as client:
        assert await greeted(client) == "hello, oneadmin"
    authority.issue(tmp_path / "other", "IP:127.0.0.1")
    other = tmp_path / "other/api.crt"
    with (
        Client(endpoint(server), ADMIN, server_certificate=other) as client,
        pytest.raises(ClientError, match="not trusted"),
    ):
        await greeted(client)


async def test_a_renewed_certificate_is_used_by_new_connections(
    server: Server, authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    pinned = tmp_path / "etc/api.crt"
    with Client(endpoint(server), ADMIN, server_certificate=pinned) as client:
        assert await greeted(client) == "hello, oneadmin"
        authority.issue(tmp_path / "etc", "IP:127.0.0.1")
        server.reload_certificate()
        assert "is used for new connections" in caplog.text
        client._transport.close()
        assert await greeted(client) == "hello, oneadmin"


async def test_a_pair_that_does_not_fit_is_named_and_changes_nothing(
    server: Server, authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = authority.trusted(tmp_path / "trusted")
    authority.issue(tmp_path / "other", "IP:127.0.0.1")
    (tmp_path / "other/api.key").rename(tmp_path / "etc/api.key")
    server.reload_certificate()
    assert "the old one goes on being used" in caplog.text
    with Client(endpoint(server), ADMIN, certificate_folder=folder) as client:
        assert await greeted(client) == "hello, oneadmin"


async def test_a_key_that_others_can_read_and_http_on_a_network_are_warned_of(
    store: Store, tmp_path: Path, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    dispatcher = Dispatcher(store, Authenticator(store, cost=CHEAP), MethodTable(METHODS), version="7.4.0")
    application = HttpApplication(dispatcher, store)
    for listen, is_warned in (("127.0.0.1", False), ("0.0.0.0", True)):
        caplog.clear()
        server = Server(ApiSettings(port=0, listen=listen), application)
        await server.start()
        await server.stop()
        assert ("without TLS" in caplog.text) is is_warned
    caplog.clear()
    authority.issue(tmp_path / "etc", "IP:127.0.0.1")
    (tmp_path / "etc/api.key").chmod(0o644)
    server = Server(
        ApiSettings(port=0, certificate="api.crt", key="api.key"), application, etc=tmp_path / "etc"
    )
    await server.start()
    await server.stop()
    assert "can be read by others" in caplog.text
    assert "without TLS" not in caplog.text


async def test_a_file_of_authorities_that_is_none_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("nothing")
    with pytest.raises(ClientError, match=r"bad\.pem.*no certificate"):
        Client(endpoint(server), ADMIN, certificate_folder=str(tmp_path))
    with (
        Client(endpoint(server), ADMIN, server_certificate=tmp_path / "missing") as client,
        pytest.raises(ClientError, match="missing"),
    ):
        await greeted(client)
