from __future__ import annotations

import asyncio
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from opennebula_core.api import connection
from opennebula_core.api.authentication import Authenticator
from opennebula_core.api.dispatch import Dispatcher
from opennebula_core.api.http import HttpApplication
from opennebula_core.api.methods import MethodTable
from opennebula_core.api.server import Server
from opennebula_core.client import Client
from opennebula_core.client.values import write_call
from opennebula_core.config import ApiSettings
from opennebula_core.contracts.method import Access, Method, Mode
from opennebula_core.db.store import Store
from opennebula_core.errors import ClientError, ConfigError

from .conftest import ADMIN, CHEAP, METHODS


@pytest.fixture
def application(store: Store) -> HttpApplication:
    dispatcher = Dispatcher(store, Authenticator(store, cost=CHEAP), MethodTable(METHODS), version="6.10.5")
    return HttpApplication(dispatcher, store)


def write_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    (folder / "api.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "api.key").write_bytes(private)


async def test_a_server_starts_answers_and_stops(application: HttpApplication) -> None:
    server = Server(ApiSettings(port=0), application)
    await server.start()
    with Client(f"http://127.0.0.1:{server.port}/RPC2", ADMIN) as client:
        assert await asyncio.to_thread(client.call, "one.test.greet") == "hello, oneadmin"
    await server.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=1)


async def test_stopping_twice_or_before_starting_is_harmless(application: HttpApplication) -> None:
    server = Server(ApiSettings(port=0), application)
    await server.stop()
    await server.start()
    await server.stop()
    await server.stop()


async def test_a_port_that_is_taken_is_named(application: HttpApplication) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"127\.0\.0\.1 port {port}: Address already in use") as caught:
            await Server(ApiSettings(port=port), application).start()
    assert "[api] port" in str(caught.value)


async def test_an_address_that_is_none_is_named(application: HttpApplication) -> None:
    with pytest.raises(ConfigError, match=r"192\.0\.2\.1"):
        await Server(ApiSettings(listen="192.0.2.1", port=0), application).start()


async def test_tls_is_spoken_when_there_is_a_certificate(
    application: HttpApplication, tmp_path: Path
) -> None:
    write_certificate(tmp_path)
    settings = ApiSettings(port=0, certificate="api.crt", key="api.key")
    server = Server(settings, application, etc=tmp_path)
    await server.start()
    endpoint = f"https://127.0.0.1:{server.port}/RPC2"
    try:
        with (
            Client(endpoint, ADMIN) as unaware,
            pytest.raises(ClientError, match="not trusted"),
        ):
            await asyncio.to_thread(unaware.call, "one.test.greet")
        trusted = ssl.create_default_context(cafile=tmp_path / "api.crt")
        trusted.maximum_version = ssl.TLSVersion.TLSv1_2
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=trusted)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).endswith(b"ok\n")
        writer.close()
        await writer.wait_closed()
    finally:
        await server.stop()


async def test_a_certificate_that_cannot_be_read_is_named(
    application: HttpApplication, tmp_path: Path
) -> None:
    settings = ApiSettings(port=0, certificate="missing.crt", key="missing.key")
    with pytest.raises(ConfigError, match=r"missing\.crt"):
        await Server(settings, application, etc=tmp_path).start()


async def test_an_answer_that_nobody_takes_is_ended(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SEND_TIMEOUT_S", 0.2)
    monkeypatch.setattr("opennebula_core.api.server.LOOK_EVERY_S", 0.05)
    large = b"x" * (32 << 20)
    method = Method(
        "one.test.large", (), Access.LISTING, Mode.READ, lambda _tx, _session: large, "Return much."
    )
    dispatcher = Dispatcher(store, Authenticator(store, cost=CHEAP), MethodTable([method]), version="6.10.5")
    server = Server(ApiSettings(port=0), HttpApplication(dispatcher, store))
    await server.start()
    with Client(f"http://127.0.0.1:{server.port}/RPC2", ADMIN) as client:
        assert len(await asyncio.to_thread(client.text, "one.test.large")) == len(large)
    body = write_call("one.test.large", (ADMIN,))
    with socket.create_connection(("127.0.0.1", server.port)) as idle:
        idle.sendall(b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        idle.settimeout(10)
        while not server._server.server_state.connections:
            await asyncio.sleep(0.01)
        async with asyncio.timeout(10):
            while server._server.server_state.connections:
                await asyncio.sleep(0.05)
    await server.stop()


async def test_a_request_that_never_ends_is_ended(
    application: HttpApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "RECEIVE_TIMEOUT_S", 0.2)
    monkeypatch.setattr("opennebula_core.api.server.LOOK_EVERY_S", 0.05)
    server = Server(ApiSettings(port=0), application)
    await server.start()
    started = time.monotonic()
    for sent in (b"", b"POST /RPC2 HTTP/1.1\r\nHos", b"POST /RPC2 HTTP/1.1\r\nContent-Length: 9\r\n\r\nx"):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(sent)
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
    assert time.monotonic() - started >= 0.6
    await server.stop()
