"""A small datastore driver."""

from __future__ import annotations

import base64
import time
from pathlib import Path

from tests.testing.conformance.small.transfers import copy_file, make_file
from tests.testing.conformance.small.world import MIB, FailedError, element, has, payload, wait_as_told


def image_of(number: int, words: list[str]) -> tuple[str, Path]:
    text = payload(words)
    base = element(text, "BASE_PATH")
    if not base:
        raise FailedError("the request has no datastore")
    wait_as_told(text)
    Path(base).mkdir(parents=True, exist_ok=True)
    name = f"image {number}" if has("blank-in-source") else f"image-{number}"
    if has("another-copy-each-time"):
        name += f"-{time.monotonic_ns()}"
    if has("one-name-for-all"):
        name = "image"
    return text, Path(base) / name


def stat_image(number: int, words: list[str]) -> str:
    text, _ = image_of(number, words)
    size = Path(element(text, "PATH")).stat().st_size if not has("stat-of-nothing") else 2 * MIB + 1
    if has("stat-in-bytes"):
        return str(size)
    if has("stat-says-unit"):
        return f"{-(-size // MIB)} MB"
    return str(size // MIB if has("stat-rounds-down") else -(-size // MIB))


def copy_image(number: int, words: list[str]) -> str:
    text, target = image_of(number, words)
    copy_file(Path(element(text, "PATH")), target, second_fails="second-cp-fails")
    if has("clone-is-the-image") and "/datastores/" in element(text, "PATH"):
        target = Path(element(text, "PATH"))
    return f"{target} raw" if not has("strange-format") else f"{target} wonderful"


def make_empty(number: int, words: list[str]) -> str:
    text, target = image_of(number, words)
    make_file(target, element(text, "SIZE") or "1")
    return f"{target} raw"


def remove_image(number: int, words: list[str]) -> str:
    text, _ = image_of(number, words)
    source = Path(element(text, "SOURCE"))
    base = Path(element(text, "BASE_PATH")).resolve()
    if not source.exists() and has("second-rm-fails"):
        raise FailedError(f"{source} is not there")
    is_ours = str(source).startswith(str(base)) if has("rm-of-a-prefix") else source.resolve().parent == base
    if (is_ours or has("rm-of-anything")) and not has("rm-does-nothing"):
        source.unlink(missing_ok=True)
    return "-"


def room(number: int, words: list[str]) -> str:
    image_of(number, words)
    total, used, free = (100, 200, 300) if has("room-does-not-add-up") else (1000, 400, 600)
    text = f"USED_MB={used}\nTOTAL_MB={total}\nFREE_MB={free}\n"
    if has("room-in-gigabytes"):
        text = f"USED_GB={used}\nTOTAL_GB={total}\nFREE_GB={free}\n"
    return text.replace("\n", " ") if has("room-not-encoded") else base64.b64encode(text.encode()).decode()
