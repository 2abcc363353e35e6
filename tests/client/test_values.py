from __future__ import annotations

import xmlrpc.client

import pytest

from opennebula_core.client.values import MAX_DEPTH, escape, read_envelope, write_value
from opennebula_core.errors import XmlError

BILLION_LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>
<methodCall><methodName>&b;</methodName></methodCall>"""
EXTERNAL_ENTITY = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>
<methodCall><methodName>&f;</methodName></methodCall>"""


def call(*values: str) -> bytes:
    params = "".join(f"<param><value>{value}</value></param>" for value in values)
    return f"<methodCall><methodName>m</methodName><params>{params}</params></methodCall>".encode()


def read(body: bytes) -> list[object]:
    return read_envelope(body, max_values=100).values


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("<string>a &lt;b&gt; &amp; c</string>", "a <b> & c"),
        ("plain text", "plain text"),
        ("", ""),
        ("<string/>", ""),
        ("<int>7</int>", 7),
        ("<i4>-1</i4>", -1),
        ("<i4> 12 </i4>", 12),
        ("<i8>4294967296</i8>", 4294967296),
        ("<boolean>1</boolean>", True),
        ("<boolean>0</boolean>", False),
        ("<double>1.5</double>", 1.5),
        ("<base64>aGk=</base64>", b"hi"),
        ("<nil/>", None),
        ("<array><data><value><int>1</int></value><value>x</value></data></array>", [1, "x"]),
        ("<array><data></data></array>", []),
        ("<struct><member><name>a</name><value><int>1</int></value></member></struct>", {"a": 1}),
        ("\n  <string>spaced</string>\n", "spaced"),
    ],
)
def test_a_value_is_read(written: str, value: object) -> None:
    assert read(call(written)) == [value]


@pytest.mark.parametrize(
    "written",
    [
        "<int>seven</int>",
        "<int>1_000</int>",
        "<int>٣</int>",
        "<int></int>",
        "<int>4294967296</int>",
        "<i8>99999999999999999999</i8>",
        "<boolean>true</boolean>",
        "<double>x</double>",
        "<base64>é</base64>",
        "<int>1</int><int>2</int>",
        "<string>1</string><array><data/></array>",
        "<unknown/>",
        "<string><int>1</int></string>",
        "<struct><member><name>a</name></member></struct>",
    ],
)
def test_a_value_that_is_none_is_refused(written: str) -> None:
    with pytest.raises(XmlError):
        read(call(written))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"<methodCall>",
        b"<html></html>",
        b"<methodCall><params><value/></params></methodCall>",
        b"\xff\xfe\x00",
        BILLION_LAUGHS,
        EXTERNAL_ENTITY,
        b"<methodCall><methodName>&undefined;</methodName></methodCall>",
    ],
)
def test_a_text_that_is_no_xml_rpc_is_refused(body: bytes) -> None:
    with pytest.raises(XmlError):
        read(body)


def test_a_doctype_is_refused_before_it_is_expanded() -> None:
    with pytest.raises(XmlError, match="doctypes"):
        read(BILLION_LAUGHS)


def test_values_too_deep_are_refused() -> None:
    depth = MAX_DEPTH // 3 + 1
    written = "<array><data><value>" * depth + "</value></data></array>" * depth
    with pytest.raises(XmlError, match="within each other"):
        read(call(written))


def test_too_many_values_are_refused() -> None:
    with pytest.raises(XmlError, match="too many"):
        read(call(*["<i4>1</i4>"] * 101))


def test_a_call_of_the_standard_library_is_read() -> None:
    params = ("user:päss<word>&", 7, True, ["a", 1], {"k": "v"})
    envelope = read_envelope(xmlrpc.client.dumps(params, "one.vm.info").encode(), max_values=100)
    assert envelope.is_call
    assert envelope.method == "one.vm.info"
    assert envelope.values == list(params)


def test_an_answer_and_a_fault_are_told_apart() -> None:
    answered = xmlrpc.client.dumps((1,), methodresponse=True).encode()
    failed = xmlrpc.client.dumps(xmlrpc.client.Fault(4, "no")).encode()
    assert not read_envelope(answered, max_values=9).is_fault
    fault = read_envelope(failed, max_values=9)
    assert fault.is_fault
    assert fault.values == [{"faultCode": 4, "faultString": "no"}]


def test_what_is_written_is_read_by_the_standard_library() -> None:
    value = {"a": [1, 2**40, True, "x\r\n<&>", 1.5], "b": []}
    body = f"<methodResponse><params><param>{write_value(value)}</param></params></methodResponse>"
    assert xmlrpc.client.loads(body)[0] == (value,)


def test_characters_that_xml_cannot_hold_are_replaced() -> None:
    assert escape("a\x00b\x1b\ud800c\t") == "a\ufffdb\ufffd\ufffdc\t"


def test_a_type_that_xml_rpc_lacks_is_refused() -> None:
    with pytest.raises(TypeError, match="set"):
        write_value({1})
