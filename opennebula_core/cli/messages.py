"""Errors as people read them."""

from __future__ import annotations

import re

_METHOD = re.compile(r"\[one\.[a-z_.]+\] ")


def message_of(error: Exception) -> str:
    """Return an error's text without the name of the API method, which the user did not call."""
    return _METHOD.sub("", str(error), count=1)
