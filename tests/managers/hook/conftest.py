"""Clouds of the test's own, and hooks that leave traces in its folder."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest

from opennebula_core.testing.cloud import Cloud

Script = Callable[[str, str], None]


@pytest.fixture
def cloud(front_end: Cloud) -> Cloud:
    """Return a cloud of the test's own."""
    return front_end


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Return what writes a program into the hooks' folder; ``$OUT`` in it is the test's folder."""

    def write(name: str, text: str) -> None:
        path = tmp_path / "var/remotes/hooks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\nOUT={tmp_path}\n{text}\n")
        path.chmod(0o755)

    return write


async def add_hook(cloud: Cloud, text: str, name: str = "h") -> int:
    """Make a hook."""
    return await cloud.new("one.hook.allocate", f'NAME="{name}"\n{text}\n')


async def records(cloud: Cloud, hook_id: int) -> list[Element]:
    """Return the log of a hook."""
    return (await cloud.document("one.hook.info", hook_id)).findall("HOOKLOG/HOOK_EXECUTION_RECORD")


async def until_run(cloud: Cloud, hook_id: int, times: int = 1) -> list[Element]:
    """Wait until a hook has run so often, and return its log."""
    count = "SELECT COUNT(*) FROM hook_execution WHERE hook_id = ? AND status = 'ended'"

    def is_there() -> bool:
        return bool(cloud.daemon.store.read(lambda tx: tx.value(count, (hook_id,))) >= times)

    await cloud.until(is_there, f"{times} executions of hook {hook_id}")
    return await records(cloud, hook_id)


def output(record: Element, name: str = "STDOUT") -> str:
    """Return an output of an execution."""
    return base64.b64decode(record.findtext(f"EXECUTION_RESULT/{name}") or "").decode()


def code(record: Element) -> int:
    """Return the exit status of an execution."""
    return int(record.findtext("EXECUTION_RESULT/CODE", ""))
