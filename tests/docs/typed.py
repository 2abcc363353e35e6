"""Types the commands of a page, one after the other, into a shell that stops at the first that fails."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from opennebula_core.testing.ports import free_port

DOCS = Path(__file__).parents[2] / "docs"
LIMIT_S = 300
PORT_OF_PAGES = "2655"


def commands(page: Path) -> str:
    """Return the blocks of shell commands of a page as one script."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    return "".join(blocks)


def typed(script: str, location: Path, bin_folder: Path = Path(sys.executable).parent, **more: str) -> str:
    """Run a script with a new folder for its cloud, which is stopped in the end; return what it printed."""
    environment = _environment(location, bin_folder, more)
    script = script.replace(PORT_OF_PAGES, str(free_port()))
    try:
        done = subprocess.run(
            ["bash", "-eux", "-o", "pipefail", "-c", script],
            stdin=subprocess.DEVNULL,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    finally:
        subprocess.run([str(bin_folder / "one"), "stop"], env=environment, check=False, capture_output=True)
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def _environment(location: Path, bin_folder: Path, more: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ONE_")}
    return {
        **inherited,
        "ONE_LOCATION": str(location / "cloud"),
        "HOME": str(location),
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
        **more,
    }
