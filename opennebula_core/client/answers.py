"""What the API answers, read: the value of a success, an exception for the rest."""

from __future__ import annotations

from typing import Final

from opennebula_core.client.values import read_envelope
from opennebula_core.errors import ClientError, FaultError, RequestError, XmlError

MAX_VALUES: Final = 1_000_000


def read_answer(method: str, body: bytes) -> object:
    """Return the value that a call was answered with.

    :raises RequestError: the call was refused; the subclass says by which error code
    :raises FaultError: there is no such method, or the parameters have the wrong types
    :raises ClientError: the answer is none
    """
    try:
        envelope = read_envelope(body, max_values=MAX_VALUES)
    except XmlError as error:
        raise ClientError(f"answer to {method}: {error}; check that the endpoint is the API's") from error
    if envelope.is_call or len(envelope.values) != 1:
        raise ClientError(f"answer to {method}: not an XML-RPC answer; check that the endpoint is the API's")
    if envelope.is_fault:
        raise _fault(method, envelope.values[0])
    return _result(method, envelope.values[0])


def _result(method: str, value: object) -> object:
    match value:
        case [True, result, *_]:
            return result
        case [False, str(message), int(code), *rest]:
            object_id = rest[0] if rest and isinstance(rest[0], int) else -1
            raise _refusal(message, code, object_id)
        case _ if method.startswith("system."):
            return value
        case _:
            raise ClientError(f"answer to {method}: not the array that OpenNebula's API answers with")


def _refusal(message: str, code: int, object_id: int) -> RequestError:
    error = RequestError.by_code.get(code, RequestError)(message, object_id)
    error.code = code
    return error


def _fault(method: str, value: object) -> ClientError:
    match value:
        case {"faultCode": int(code), "faultString": str(text)}:
            return FaultError(code, f"call {method}: {text}")
        case _:
            return ClientError(f"answer to {method}: a fault without code and text")
