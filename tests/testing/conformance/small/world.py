"""What a small driver is told, and what it can read of a request."""

from __future__ import annotations

import base64
import os
import re
import sys
import threading
import time
from pathlib import Path

KIND, FAULTS = sys.argv[1], set(sys.argv[2:])
WORLD = Path(os.environ["ONE_LOCATION"]) / "var" / "world"
MIB = 1 << 20
LOCK = threading.RLock()


def has(fault: str) -> bool:
    return fault in FAULTS


class FailedError(Exception):
    """What was asked cannot be done."""


def payload(words: list[str]) -> str:
    """Return the document of a request."""
    try:
        text = base64.b64decode(words[-1] if words else "", validate=True).decode()
        if "<" not in text or not text.rstrip().endswith(">") or text.count("<") < 3:
            raise FailedError("the payload is no document")
        if "<!DOCTYPE" in text:
            raise FailedError("documents with a DOCTYPE are not taken")
    except (FailedError, ValueError) as error:
        if has("dies-of-damage"):
            os._exit(1)
        if has("silent-at-damage"):
            threading.Event().wait()
        if has("damage-succeeds"):
            return "nothing"
        raise FailedError(f"damaged request: {error}") from None
    return text


def element(text: str, name: str) -> str:
    found = re.search(rf"<{name}>(?:<!\[CDATA\[)?(.*?)(?:\]\]>)?</{name}>", text, re.DOTALL)
    return found[1] if found else ""


def wait_as_told(text: str) -> None:
    if delay := element(text, "DELAY"):
        time.sleep(float(delay))
