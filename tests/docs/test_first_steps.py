"""The commands of the page are typed one after the other, by a shell that stops at the first that fails."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from opennebula_core.testing.ports import free_port

PAGE = Path(__file__).parents[2] / "docs/first-steps.md"
LIMIT_S = 240


def _commands() -> str:
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return "set -eu -o pipefail\n" + "".join(blocks)


def test_every_command_of_the_page_works(tmp_path: Path) -> None:
    bin_folder = str(Path(sys.executable).parent)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ONE_")} | {
        "ONE_LOCATION": str(tmp_path),
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
    }
    script = _commands().replace("2655", str(free_port()))
    try:
        done = subprocess.run(
            ["bash", "-x"],
            input=script,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    finally:
        subprocess.run([f"{bin_folder}/one", "stop"], env=environment, check=False, capture_output=True)
    if done.returncode:
        pytest.fail(f"{done.stdout[-2000:]}\n{done.stderr[-3000:]}")
    assert "Stopped onesched and oned." in done.stdout
