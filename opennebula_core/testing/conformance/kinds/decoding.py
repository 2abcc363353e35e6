"""What answers carry in base64."""

from __future__ import annotations

import base64
import binascii


def decoded(text: str) -> str:
    """Return the text that is meant; empty when it is none."""
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
