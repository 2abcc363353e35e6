"""Sixty-four clients do whatever they like at once: no call meets a failure of the core, and all agrees."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[2]
SECONDS = 15
SEEDS = 1 << 32


def test_sixty_four_clients_at_once_leave_nothing_wrong_behind(tmp_path: Path) -> None:
    seed = random.randrange(SEEDS)
    command = [sys.executable, "-m", "bench.stress", "--seconds", str(SECONDS), "--seed", str(seed)]
    ended = subprocess.run(
        [*command, "--folder", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    wrong = [line for line in ended.stdout.splitlines() if line.startswith(("WRONG", "    "))]
    assert ended.returncode == 0, "\n".join(
        (f"seed {seed}; again: {' '.join(command)}", *wrong, ended.stderr)
    )
    assert "go_on done" in ended.stdout
