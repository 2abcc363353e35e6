"""Real daemons that are killed with SIGKILL: nothing ends in order."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from opennebula_core.client import Client
from opennebula_core.errors import ClientError
from opennebula_core.testing.cloud import ADMIN, SETTINGS
from opennebula_core.testing.ports import free_port
from opennebula_core.testing.sshd import wait_until


@contextmanager
def running_daemon(folder: Path, settings: str = "") -> Iterator[tuple[subprocess.Popen[bytes], Client]]:
    """Run a daemon for the length of a block and kill it then; it may have run in the folder before."""
    port = free_port()
    (folder / "etc").mkdir(parents=True, exist_ok=True)
    (folder / "etc/oned.toml").write_text(SETTINGS.format(port=port) + settings)
    (folder / "one_auth").write_text(f"{ADMIN}\n")
    program = str(Path(sys.executable).parent / "oned")
    process = subprocess.Popen([program], env=os.environ | {"ONE_LOCATION": str(folder)})
    try:
        with Client(f"http://127.0.0.1:{port}/RPC2", ADMIN) as client:
            wait_until(lambda: _answers(client), "the API", 60)
            yield process, client
    finally:
        process.kill()
        process.wait()


def _answers(client: Client) -> bool:
    try:
        client.call("one.system.version")
    except ClientError:
        return False
    return True
