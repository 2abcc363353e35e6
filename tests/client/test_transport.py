"""The client against servers that misbehave in one way each; they speak over real sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from opennebula_core.client.transport import Transport
from opennebula_core.errors import ClientError
from opennebula_core.testing.ports import free_port

Serve = Callable[[socket.socket, int], None]


@contextmanager
def serving(serve: Serve, connections: int) -> Iterator[str]:
    """Serve that many connections one after the other; ``serve`` gets each with its number."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def run() -> None:
            for number in range(connections):
                accepted, _ = listening.accept()
                with accepted:
                    serve(accepted, number)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/RPC2"
        thread.join(10)


def receive(accepted: socket.socket) -> bytes:
    """Return the body of one request."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += accepted.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += accepted.recv(65536)
    return body


def answer(accepted: socket.socket, body: bytes, status: str = "200 OK") -> None:
    accepted.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


def transport(endpoint: str, timeout_s: float = 10.0) -> closing[Transport]:
    return closing(Transport(endpoint, timeout_s=timeout_s))


def test_a_connection_is_used_again() -> None:
    def serve(accepted: socket.socket, _number: int) -> None:
        for _ in range(3):
            answer(accepted, receive(accepted) + b"!")

    with serving(serve, 1) as endpoint, transport(endpoint) as client:
        assert [client.post(b"hi", is_repeatable=False) for _ in range(3)] == [b"hi!"] * 3


def test_a_connection_that_the_server_closed_meanwhile_is_not_used() -> None:
    closed = threading.Event()

    def serve(accepted: socket.socket, number: int) -> None:
        answer(accepted, receive(accepted) + b"%d" % number)
        accepted.shutdown(socket.SHUT_RDWR)
        closed.set()

    with serving(serve, 2) as endpoint, transport(endpoint) as client:
        assert client.post(b"hi", is_repeatable=False) == b"hi0"
        closed.wait(10)
        assert client.post(b"hi", is_repeatable=False) == b"hi1"


def test_a_harmless_request_is_sent_again_when_the_connection_breaks() -> None:
    def serve(accepted: socket.socket, number: int) -> None:
        receive(accepted)
        if number == 1:
            answer(accepted, b"at last")

    with serving(serve, 2) as endpoint, transport(endpoint) as client:
        assert client.post(b"hi", is_repeatable=True) == b"at last"


def test_a_request_that_changes_something_is_sent_once() -> None:
    def serve(accepted: socket.socket, _number: int) -> None:
        receive(accepted)

    with (
        serving(serve, 1) as endpoint,
        transport(endpoint) as client,
        pytest.raises(ClientError, match="unknown, look before you repeat") as caught,
    ):
        client.post(b"hi", is_repeatable=False)
    assert endpoint in str(caught.value)


def test_a_refused_connection_says_how_to_start() -> None:
    with (
        transport(f"http://127.0.0.1:{free_port()}/RPC2") as client,
        pytest.raises(ClientError, match="one start"),
    ):
        client.post(b"hi", is_repeatable=False)


def test_a_refused_connection_is_tried_again() -> None:
    address = ("127.0.0.1", free_port())

    def listen_late() -> None:
        with socket.create_server(address) as listening:
            accepted, _ = listening.accept()
            with accepted:
                answer(accepted, receive(accepted))

    timer = threading.Timer(0.2, listen_late)
    timer.start()
    with transport(f"http://127.0.0.1:{address[1]}/RPC2") as client:
        assert client.post(b"hi", is_repeatable=False) == b"hi"
    timer.join(10)


def test_an_answer_that_does_not_come_is_given_up() -> None:
    given_up = threading.Event()

    def serve(accepted: socket.socket, _number: int) -> None:
        receive(accepted)
        given_up.wait(10)

    with serving(serve, 1) as endpoint, transport(endpoint, timeout_s=0.2) as client:
        with pytest.raises(ClientError, match="no answer in 0 s"):
            client.post(b"hi", is_repeatable=True)
        given_up.set()


@pytest.mark.parametrize("status", ["404 Not Found", "500 Internal Server Error", "301 Moved"])
def test_another_status_than_200_is_named(status: str) -> None:
    def serve(accepted: socket.socket, _number: int) -> None:
        receive(accepted)
        answer(accepted, b"x", status)

    with (
        serving(serve, 1) as endpoint,
        transport(endpoint) as client,
        pytest.raises(ClientError, match=status),
    ):
        client.post(b"hi", is_repeatable=True)


def test_what_is_no_http_is_an_error() -> None:
    def serve(accepted: socket.socket, _number: int) -> None:
        receive(accepted)
        accepted.sendall(b"SSH-2.0-OpenSSH\r\n")

    with (
        serving(serve, 1) as endpoint,
        transport(endpoint) as client,
        pytest.raises(ClientError, match="SSH"),
    ):
        client.post(b"hi", is_repeatable=False)


def test_several_threads_may_call_at_the_same_time() -> None:
    ready = threading.Barrier(2, timeout=10)
    results: list[bytes] = []

    def echo(listening: socket.socket) -> None:
        accepted, _ = listening.accept()
        with accepted:
            answer(accepted, receive(accepted))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        servers = [threading.Thread(target=echo, args=(listening,)) for _ in range(2)]
        with transport(f"http://127.0.0.1:{listening.getsockname()[1]}/RPC2") as client:

            def post(body: bytes) -> None:
                ready.wait()
                results.append(client.post(body, is_repeatable=False))

            clients = [threading.Thread(target=post, args=(body,)) for body in (b"a", b"b")]
            for thread in (*servers, *clients):
                thread.start()
            for thread in (*servers, *clients):
                thread.join(10)
    assert sorted(results) == [b"a", b"b"]


def test_a_name_without_an_address_is_named_and_nothing_is_said_of_a_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def resolve(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with transport("http://fornt-end:2633/RPC2") as opened, pytest.raises(ClientError) as caught:
        opened.post(b"x", is_repeatable=False)

    assert "no address is known of 'fornt-end' (Name or service not known)" in str(caught.value)
    assert "ONE_XMLRPC" in str(caught.value)
    assert "carried out" not in str(caught.value)


def test_a_name_that_is_none_is_an_error_of_the_address_too() -> None:
    with (
        transport(f"http://{'a' * 70}:2633/RPC2") as opened,
        pytest.raises(ClientError, match="no address is known"),
    ):
        opened.post(b"x", is_repeatable=False)
