"""The benchmarks themselves: that they run, and that every figure has its row."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_benchmark_runs_at_a_small_scale(tmp_path: Path) -> None:
    written = tmp_path / "figures.json"
    ended = subprocess.run(
        [sys.executable, "-m", "bench", "--scale", "0.01", "--folder", tmp_path, "--json", written],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    figures = json.loads(written.read_text())
    rows = tomllib.loads((ROOT / "bench" / "reference.toml").read_text())
    assert set(figures) == set(rows)
    assert all(value > 0 for value in figures.values())
    lines = ended.stdout.splitlines()
    for row in rows.values():
        line = next(line for line in lines if line.startswith(f"{row['what']:<46}"))
        assert row["reference"] in line
        assert line.endswith("reached") == ("target" in row)


def test_an_unknown_benchmark_is_refused_with_those_that_there_are() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "bench", "nothing"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert "allocate, info, pool" in ended.stderr
