from __future__ import annotations

import xmlrpc.client

import pytest

from opennebula_core.api.xmlrpc import (
    PARSE_FAULT,
    Chunks,
    Fault,
    answer,
    decode_call,
    fault_answer,
    refusal,
    success,
)
from opennebula_core.errors import NotFoundError


def decoded(chunks: Chunks) -> object:
    return xmlrpc.client.loads(b"".join(chunks))[0][0]


def test_a_call_is_decoded() -> None:
    call = decode_call(xmlrpc.client.dumps(("oneadmin:secret", 7), "one.vm.info").encode())
    assert call.method == "one.vm.info"
    assert call.params == ["oneadmin:secret", 7]


@pytest.mark.parametrize("body", [b"", b"{}", b"<methodResponse/>", b"<methodCall><params/></methodCall>"])
def test_what_is_no_call_is_a_fault(body: bytes) -> None:
    with pytest.raises(Fault, match="not a proper XML-RPC call") as caught:
        decode_call(body)
    assert caught.value.code == PARSE_FAULT


@pytest.mark.parametrize("result", [0, -1, 2**31 - 1, True, "", "a <b> & \x00 c".replace("\x00", "\ufffd")])
def test_a_success_is_an_array_of_three(result: object) -> None:
    assert decoded(answer(success(result))) == [True, result, 0]


def test_the_object_of_a_refusal_may_be_past_32_bits() -> None:
    error = NotFoundError("Error getting zone [1099511627776].", 1 << 40)
    assert b"<i8>1099511627776</i8>" in b"".join(answer(refusal(error, "one.zone.info")))


def test_a_number_past_32_bits_is_sent_as_i8() -> None:
    assert b"<i8>4294967296</i8>" in b"".join(answer(success(2**32)))


def test_a_document_is_sent_as_it_is_and_not_copied() -> None:
    document = b"&lt;VM&gt;&lt;/VM&gt;"
    chunks = answer(success(document))
    assert any(chunk is document for chunk in chunks)
    assert decoded(chunks) == [True, "<VM></VM>", 0]


def test_a_result_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match="dict"):
        success({})


def test_a_refusal_is_an_array_of_five() -> None:
    error = NotFoundError("Error getting virtual machine [7].", 7)
    chunks = answer(refusal(error, "one.vm.info"))
    assert decoded(chunks) == [False, "[one.vm.info] Error getting virtual machine [7].", 1024, 7, -1]
    assert b"<i8>-1</i8>" in b"".join(chunks)


def test_a_fault_has_code_and_text() -> None:
    with pytest.raises(xmlrpc.client.Fault, match="Method 'x<' not defined") as caught:
        decoded(fault_answer(Fault(-506, "Method 'x<' not defined")))
    assert caught.value.faultCode == -506
