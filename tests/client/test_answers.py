from __future__ import annotations

import xmlrpc.client

import pytest

from opennebula_core.client.answers import read_answer
from opennebula_core.errors import (
    AuthenticationError,
    ClientError,
    FaultError,
    LockedError,
    NotFoundError,
    RequestError,
)


def answer(*values: object) -> bytes:
    return xmlrpc.client.dumps((list(values),), methodresponse=True).encode()


@pytest.mark.parametrize(
    "text",
    [
        "<VM><ID>1</ID></VM>",
        "",
        "ä & &lt; \" '",
        "carriage\rreturn",
        "&#13;",
    ],
)
def test_a_text_comes_back_as_it_was_sent(text: str) -> None:
    body = answer(True, text, 0).replace(b"\r", b"&#13;")
    assert read_answer("one.vm.info", body) == text


def test_a_text_with_all_entities_is_unescaped_once() -> None:
    body = answer(True, "X", 0).replace(b"X", b"&quot;&apos;&gt;&amp;lt;")
    assert read_answer("one.vm.info", body) == "\"'>&lt;"


def test_a_number_and_a_boolean_come_back() -> None:
    assert read_answer("one.vm.allocate", answer(True, 7, 0)) == 7
    assert read_answer("one.vm.lock", answer(True, True, 0)) is True


def test_surplus_values_of_an_answer_are_ignored() -> None:
    assert read_answer("one.vm.allocate", answer(True, 7, 0, -1, 5)) == 7


@pytest.mark.parametrize(
    ("code", "kind"), [(256, AuthenticationError), (1024, NotFoundError), (32768, LockedError)]
)
def test_a_refusal_becomes_the_exception_of_its_code(code: int, kind: type[RequestError]) -> None:
    with pytest.raises(kind, match="no such thing") as caught:
        read_answer("one.vm.info", answer(False, "no such thing", code, 9, -1))
    assert caught.value.object_id == 9


def test_an_unknown_code_is_kept() -> None:
    with pytest.raises(RequestError) as caught:
        read_answer("one.vm.info", answer(False, "no", 65536))
    assert caught.value.code == 65536


def test_a_fault_tells_its_code() -> None:
    body = xmlrpc.client.dumps(xmlrpc.client.Fault(-506, "Method 'x' not defined")).encode()
    with pytest.raises(FaultError, match="not defined") as caught:
        read_answer("x", body)
    assert caught.value.code == FaultError.UNKNOWN_METHOD


@pytest.mark.parametrize("body", [b"<html/>", b"", b"<methodResponse></methodResponse>", answer("odd")])
def test_rubbish_is_a_client_error_that_names_the_method(body: bytes) -> None:
    with pytest.raises(ClientError, match=r"one\.vm\.info"):
        read_answer("one.vm.info", body)


def test_methods_of_xml_rpc_itself_answer_without_the_array() -> None:
    body = xmlrpc.client.dumps((["a", "b"],), methodresponse=True).encode()
    assert read_answer("system.listMethods", body) == ["a", "b"]
