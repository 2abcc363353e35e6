"""The codec of ``/RPC2``: calls read under limits, answers and faults in OpenNebula's shapes.

A success is an array of exactly three values: true, the result, 0. A refusal is an array of five: false, the
message, the error code, the id of the object that caused it, and the replication index (-1: no federation).
What lies below the API (no XML-RPC, unknown method, wrong types) is an XML-RPC fault.
Source: OpenNebula 6.10's answers; the fault codes are those of xmlrpc-c.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from opennebula_core.client.values import escape, read_envelope, write_value
from opennebula_core.errors import OpenNebulaError, RequestError, XmlError

PARSE_FAULT: Final = -503
NO_METHOD_FAULT: Final = -506
TYPE_FAULT: Final = -501
LIMIT_FAULT: Final = -509

MAX_VALUES: Final = 16384
"""Values in one call. The largest legitimate calls are multicalls of some hundred calls."""

Chunks = tuple[bytes, ...]
"""A text in pieces, to be sent one after the other: a big document is never copied to be wrapped."""

_HEAD: Final = b'<?xml version="1.0" encoding="UTF-8"?>\r\n<methodResponse>'
_PARAMS: Final = _HEAD + b"<params><param>"
_PARAMS_END: Final = b"</param></params></methodResponse>\r\n"
_SUCCESS: Final = b"<value><array><data><value><boolean>1</boolean></value><value>"
_SUCCESS_END: Final = b"</value><value><i4>0</i4></value></data></array></value>"


class Fault(OpenNebulaError):  # noqa: N818 - the protocol's own word
    """An answer below the API: the call cannot be understood at all.

    :param code: xmlrpc-c's fault code, negative
    """

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it came in; the first parameter is the session text where the method wants one."""

    method: str
    params: list[object]


def decode_call(body: bytes) -> Call:
    """Return the call that ``body`` holds.

    :raises Fault: it is no XML-RPC call, or goes past a limit
    """
    try:
        envelope = read_envelope(body, max_values=MAX_VALUES)
    except XmlError as error:
        raise Fault(PARSE_FAULT, f"Call XML not a proper XML-RPC call. {error}") from None
    if not envelope.is_call or not envelope.method:
        raise Fault(PARSE_FAULT, "Call XML not a proper XML-RPC call. It has no methodCall with a methodName")
    return Call(envelope.method, envelope.values)


def success(result: object) -> Chunks:
    """Return the value element of a call that succeeded.

    :param result: an int, bool or text; or bytes: a document, escaped already
    :raises TypeError: it is something else
    """
    if isinstance(result, bytes):
        return (_SUCCESS + b"<string>", result, b"</string>" + _SUCCESS_END)
    return (_SUCCESS + _inner(result) + _SUCCESS_END,)


def _inner(result: object) -> bytes:
    if isinstance(result, bool):
        return b"<boolean>%d</boolean>" % result
    if isinstance(result, int):
        tag = b"i4" if -0x80000000 <= result <= 0x7FFFFFFF else b"i8"
        return b"<%b>%d</%b>" % (tag, result, tag)
    if isinstance(result, str):
        return f"<string>{escape(result)}</string>".encode()
    raise TypeError(f"a method returned a {type(result).__name__}: only int, bool, str and bytes can be sent")


def refusal(error: RequestError, method: str) -> Chunks:
    """Return the value element of a call that was refused; the message begins with the method's name."""
    message = escape(f"[{method}] {error}")
    return (
        (
            f"<value><array><data><value><boolean>0</boolean></value>"
            f"<value><string>{message}</string></value><value><i4>{error.code}</i4></value>"
            f"{write_value(error.object_id)}<value><i8>-1</i8></value></data></array></value>"
        ).encode(),
    )


def answer(value: Chunks) -> Chunks:
    """Return the whole answer around a value element."""
    if len(value) == 1:
        return (_PARAMS + value[0] + _PARAMS_END,)
    return (_PARAMS + value[0], *value[1:-1], value[-1] + _PARAMS_END)


def fault_answer(fault: Fault) -> Chunks:
    """Return the whole answer for what is below the API."""
    return (_HEAD + b"<fault>" + fault_value(fault)[0] + b"</fault></methodResponse>\r\n",)


def fault_value(fault: Fault) -> Chunks:
    """Return the struct that a fault is."""
    return (write_value({"faultCode": fault.code, "faultString": str(fault)}).encode(),)


def plain_value(value: object) -> Chunks:
    """Return the element of a value without OpenNebula's array: what ``system.*`` methods answer."""
    return (write_value(value).encode(),)
