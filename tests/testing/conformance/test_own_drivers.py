"""The kernel's dummies, and the project's drivers that need no host, keep the protocol."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from opennebula_auth_ssh import SshAuth
from opennebula_core.contracts.auth import KeyFiles
from opennebula_core.plugins.discovery import describe
from opennebula_core.testing.conformance.outcome import Outcome, Result
from opennebula_core.testing.conformance.report import lines_of
from opennebula_core.testing.conformance.runner import Selection, run
from opennebula_core.testing.conformance.subject import Limits, Login, Subject

PATIENT = Limits(answer=60, end=20, check=120, total=400)
ONEDRIVER = (sys.executable, "-m", "opennebula_core.wire.onedriver")
WITHOUT_STARTS = Selection(("action", "lines", "work", "end.all"))
"""The checks of start and end take a process each, and are the same for all of ours: one kind has them."""


def own(kind: str, name: str) -> Subject:
    actions = frozenset(describe(f"opennebula.{kind}", name).actions)
    command = (*ONEDRIVER, "vmm", "dummy") if kind == "vnm" else (*ONEDRIVER, kind, name)
    subject = Subject(kind, command, name=name, is_own=True, actions=actions, limits=PATIENT, period_s=0.5)
    if name != "dummy":
        return subject
    return replace(subject, pretends=True, login=Login(secret="any"))


def failures(outcomes: list[Outcome]) -> list[str]:
    return ["\n".join(lines_of(outcome)) for outcome in outcomes if outcome.result is Result.FAILED]


def alice(folder: Path) -> Login:
    key = folder / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    files = KeyFiles(key, None, str)
    return Login(
        "alice", SshAuth.public_secret(files), SshAuth.login_secret("alice", int(time.time()) + 600, files)
    )


@pytest.mark.parametrize("kind", ["vmm", "tm", "im", "vnm", "datastore", "auth"])
async def test_a_dummy_keeps_the_protocol(kind: str) -> None:
    selection = Selection() if kind == "vmm" else WITHOUT_STARTS

    outcomes = await run(own(kind, "dummy"), selection, lambda _: None)

    assert not failures(outcomes)
    assert sum(outcome.result is Result.PASSED for outcome in outcomes) >= len(outcomes) - 5


async def test_drivers_that_need_no_host_keep_the_protocol(tmp_path: Path) -> None:
    subjects = (
        own("datastore", "fs"),
        replace(own("tm", "ssh"), host="localhost"),
        replace(own("auth", "ssh"), login=alice(tmp_path)),
    )

    found = await asyncio.gather(*(run(each, WITHOUT_STARTS, lambda _: None) for each in subjects))

    assert not [failure for outcomes in found for failure in failures(outcomes)]
