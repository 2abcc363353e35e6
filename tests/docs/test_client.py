"""The program that the page of the client library is made of runs, against a cloud of dummy drivers."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

from opennebula_core.testing.cloud import running_cloud
from tests.docs.typed import DOCS

PROGRAM = "".join(
    re.findall(r"^```python\n(.*?)^```$", (DOCS / "client.md").read_text(), re.MULTILINE | re.DOTALL)
)


async def test_the_program_of_the_page_runs(tmp_path: Path) -> None:
    async with running_cloud(tmp_path) as cloud:
        config = cloud.daemon.core.config
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM,
            env={**os.environ, "ONE_XMLRPC": config.endpoint, "ONE_AUTH": str(tmp_path / "one_auth")},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, complaints = await asyncio.wait_for(process.communicate(), 60)

    assert (process.returncode, complaints.decode()) == (0, "")
    lines = said.decode().splitlines()
    assert lines[1:3] == ["web 2", "0 web"]
    assert lines[3].startswith("gone: ")
    assert "VM 0 " in lines[4]
