"""The HTTP side, spoken to over bare sockets where a client would not do what is tested."""

from __future__ import annotations

import asyncio
import xmlrpc.client
from dataclasses import dataclass

import pytest

from opennebula_core.api import connection
from opennebula_core.api.dispatch import Dispatcher
from opennebula_core.api.http import HttpApplication
from opennebula_core.errors import PluginConflictError

from .conftest import ADMIN, Api, tell_path

GREETING = xmlrpc.client.dumps((ADMIN,), "one.test.greet").encode()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body = await reader.readexactly(int(headers["content-length"]))
    return Answer(int(first.split()[1]), headers, body)


async def send(api: Api, *pieces: bytes) -> Answer:
    """Send the pieces one after the other and return the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    try:
        async with asyncio.timeout(10):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            return await read_answer(reader)
    finally:
        writer.close()


def request(method: str, path: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: test", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@pytest.mark.parametrize("path", ["/RPC2", "/"])
async def test_the_api_is_called_with_post(api: Api, path: str) -> None:
    answer = await send(api, request("POST", path, GREETING))
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    assert xmlrpc.client.loads(answer.body)[0] == ([True, "hello, oneadmin", 0],)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_other_ways_to_call_it_are_405(api: Api, method: str) -> None:
    answer = await send(api, request(method, "/RPC2"))
    assert answer.status == 405
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/rpc2", "/RPC2/", "/nothing", "/RPC2/../etc", "//"])
async def test_other_paths_are_404(api: Api, path: str) -> None:
    assert (await send(api, request("POST", path, GREETING))).status == 404


async def test_a_packed_body_is_415(api: Api) -> None:
    head = b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n"
    answer = await send(api, head + b"\x1f\x8b")
    assert (answer.status, b"without Content-Encoding" in answer.body) == (415, True)


async def test_a_body_in_pieces_is_put_together(api: Api) -> None:
    whole = request("POST", "/RPC2", GREETING)
    answer = await send(api, *(whole[start : start + 40] for start in range(0, len(whole), 40)))
    assert b"hello, oneadmin" in answer.body


async def test_a_chunked_body_is_read(api: Api) -> None:
    head = b"POST /RPC2 HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = [b"%x\r\n%b\r\n" % (len(part), part) for part in (GREETING[:50], GREETING[50:])]
    assert b"hello, oneadmin" in (await send(api, head, *chunks, b"0\r\n\r\n")).body


async def test_a_connection_serves_many_requests(api: Api) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    for _ in range(3):
        writer.write(request("POST", "/RPC2", GREETING))
        assert b"hello, oneadmin" in (await read_answer(reader)).body
    writer.close()


async def test_pipelined_requests_are_answered_in_order(api: Api) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(request("POST", "/RPC2", GREETING) + request("GET", "/healthz"))
    assert b"hello, oneadmin" in (await read_answer(reader)).body
    assert (await read_answer(reader)).body == b"ok\n"
    writer.close()


async def test_http_1_0_is_served(api: Api) -> None:
    head = f"POST /RPC2 HTTP/1.0\r\nContent-Length: {len(GREETING)}\r\n\r\n".encode()
    answer = await send(api, head + GREETING)
    assert answer.headers["connection"] == "close"
    assert b"hello, oneadmin" in answer.body


async def test_a_body_that_says_it_is_too_large_is_413(api: Api) -> None:
    answer = await send(api, b"POST /RPC2 HTTP/1.1\r\nHost: test\r\nContent-Length: 99999999\r\n\r\n")
    assert answer.status == 413


async def test_a_body_that_turns_out_to_be_too_large_is_413(api: Api) -> None:
    head = b"POST /RPC2 HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
    piece = b"%x\r\n%b\r\n" % (1 << 16, b"x" * (1 << 16))
    assert (await send(api, head, *[piece] * 17)).status == 413


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"<!DOCTYPE x [<!ENTITY a 'ha'>]><methodCall><methodName>&a;</methodName></methodCall>",
        b"<methodCall><methodName>one.test.greet</methodName><params>" + b"<param><value/></param>" * 20000,
        b"<methodCall><methodName>m</methodName><params><param>" + b"<value><array><data>" * 10000,
        b"\x00\xff" * 1000,
        b"<methodCall><methodName>" + b"m" * 500_000,
    ],
    ids=["empty", "nonsense", "entities", "many values", "deep", "binary", "cut off"],
)
async def test_a_hostile_body_is_a_fault_and_harms_nobody(api: Api, body: bytes) -> None:
    answer = await send(api, request("POST", "/RPC2", body))
    assert answer.status == 200
    with pytest.raises(xmlrpc.client.Fault, match="not a proper XML-RPC call") as caught:
        xmlrpc.client.loads(answer.body)
    assert caught.value.faultCode == -503
    assert (await send(api, request("GET", "/healthz"))).body == b"ok\n"


async def test_too_many_headers_are_refused(api: Api) -> None:
    headers = [f"X-{number}: y" for number in range(connection.MAX_HEADERS + 1)]
    assert (await send(api, request("POST", "/RPC2", GREETING, *headers))).status == 400


async def test_an_endless_header_is_refused(api: Api) -> None:
    endless = b"POST /RPC2 HTTP/1.1\r\nX-Long: " + b"x" * (connection.MAX_HEAD_BYTES + 1)
    assert (await send(api, endless)).status == 400


async def test_what_is_no_http_is_refused(api: Api) -> None:
    assert (await send(api, b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")).status == 400


async def test_a_caller_that_goes_away_in_the_middle_leaves_nothing_behind(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(request("POST", "/RPC2", GREETING)[:-20])
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await send(api, request("GET", "/healthz"))).status == 200
    assert "Exception" not in caplog.text


async def test_health_is_told(api: Api) -> None:
    answer = await send(api, request("GET", "/healthz"))
    assert (answer.status, answer.body) == (200, b"ok\n")
    assert (await send(api, request("POST", "/healthz"))).status == 405


async def test_metrics_count_calls_by_method_and_outcome(api: Api) -> None:
    await send(api, request("POST", "/RPC2", GREETING))
    await send(api, request("POST", "/RPC2", xmlrpc.client.dumps((ADMIN, 9), "one.test.info").encode()))
    await send(api, request("POST", "/RPC2", b"nonsense"))
    answer = await send(api, request("GET", "/metrics"))
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.body.decode().splitlines()
    assert 'opennebula_requests_total{method="one.test.greet",outcome="success"} 1' in lines
    assert 'opennebula_requests_total{method="one.test.info",outcome="refused"} 1' in lines
    assert "opennebula_request_faults_total 1" in lines


async def test_a_plugin_s_route_is_served(api: Api) -> None:
    answer = await send(api, request("POST", "/audit?since=1", b"hello"))
    assert (answer.status, answer.body) == (201, b"POST /audit b'hello'")


async def test_a_route_that_fails_hurts_nobody_else(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    answer = await send(api, request("GET", "/audit?fail"))
    assert (answer.status, answer.body) == (500, b"internal error\n")
    assert "ZeroDivisionError" in caplog.text
    assert (await send(api, request("GET", "/healthz"))).status == 200


def test_a_route_may_not_take_the_api_s_place(api: Api) -> None:
    dispatcher: Dispatcher = api.dispatcher
    with pytest.raises(PluginConflictError, match="/metrics"):
        HttpApplication(dispatcher, api.store, {"/metrics": tell_path})
