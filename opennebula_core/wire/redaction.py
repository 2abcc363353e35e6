"""Texts of programs from outside, without the secrets that they were told."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Final

HIDDEN: Final = "***"


def without(text: str, secrets: Iterable[str]) -> str:
    """Return a text with each secret hidden, as it is, word by word, and in base64."""
    for secret in secrets:
        encoded = base64.b64encode(secret.encode()).decode()
        for form in (encoded, secret, *secret.split()):
            if form:
                text = text.replace(form, HIDDEN)
    return text
