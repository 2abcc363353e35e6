"""What a hook on a call is told of it: parameters, answer and object, without passwords and tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from opennebula_core.documents.escape import unescape_document
from opennebula_core.documents.hook import render_call
from opennebula_core.errors import RequestError

HIDDEN: Final = "****"
_SECRETS: Final[Mapping[str, tuple[int, ...]]] = {
    "one.user.allocate": (1,),
    "one.user.passwd": (1,),
    "one.user.login": (1,),
    "one.user.chauth": (2,),
}
"""Positions of passwords behind the session, which no hook is told."""
_TELL_SECRETS: Final = frozenset({"one.user.login", "one.user.info", "one.userpool.info"})
"""Methods whose answers hold tokens and what is kept of passwords, which no hook is told either."""
_MAX_ANSWER: Final = 256 * 1024
"""Longer answers are left out of what a hook on a call is told."""


def call_info(method: str, parameters: Sequence[object], answer: object, extra: str) -> str:
    """Return CALL_INFO as plain XML.

    :param answer: the error that the call was refused with, else what it returned
    :param extra: the document of the object that was made or removed, as plain XML
    """
    secret = _SECRETS.get(method, ())
    given = [HIDDEN if index in secret else _text(value) for index, value in enumerate(parameters)]
    if isinstance(answer, RequestError):
        returned = ("false", str(answer), str(answer.code))
    else:
        returned = ("true", HIDDEN if method in _TELL_SECRETS else _text(answer), "0")
    is_success = not isinstance(answer, RequestError)
    return render_call([HIDDEN, *given], returned, extra, is_success=is_success)


def _text(value: object) -> str:
    """Return a parameter or a result as CALL_INFO has it."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, bytes):
        return unescape_document(value.decode()) if len(value) <= _MAX_ANSWER else ""
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value)
