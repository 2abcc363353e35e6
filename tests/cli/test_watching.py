from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.shell import Shell, hear_ctrl_c


@pytest.mark.parametrize(
    "words", [("list", "--watch", "-d", "0.2"), ("list", "-d", "0.2"), ("top", "-d", "0.2")]
)
def test_a_listing_is_drawn_again_until_it_is_interrupted(cloud: Shell, words: tuple[str, ...]) -> None:
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "onehost"), *words, "-l", "NAME", "-f", "NAME=host01"],
        env={**os.environ, "ONE_LOCATION": str(cloud.location)}, stdout=subprocess.PIPE, text=True,
        preexec_fn=hear_ctrl_c,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(6)]
        process.send_signal(signal.SIGINT)

    assert process.returncode == 0
    assert [line.partition("  ")[2] for line in lines[::3]] == [lines[0].partition("  ")[2]] * 2
    assert "hosts, Ctrl-C ends" in lines[0]
    assert lines[1:3] == lines[4:6] == ["NAME\n", "host01\n"]


def test_a_delay_that_would_never_let_go_of_the_cloud_is_refused(cloud: Shell) -> None:
    assert "0.2" in cloud.misused("onehost list --delay 0.01")
