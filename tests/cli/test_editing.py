from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.cli.shell import Shell


def on_a_terminal(shell: Shell, arguments: list[str], editor: str) -> str:
    """Run ``onehost`` with a terminal as its input and return what it said."""
    leader, follower = pty.openpty()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ONE_")}
    completed = subprocess.run(
        [str(Path(sys.executable).parent / "onehost"), *arguments],
        stdin=follower,
        capture_output=True,
        env={**environment, "ONE_LOCATION": str(shell.location), "EDITOR": editor, "VISUAL": editor},
        timeout=60,
    )
    os.close(leader)
    os.close(follower)
    assert completed.returncode == 0, completed.stderr
    return completed.stderr.decode()


def test_an_editor_is_given_what_is_there(
    cloud: Shell, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    name = fresh_name("host")
    cloud.make(f"onehost create {name} -i dummy -v dummy")
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\ngrep -q RESERVED_CPU "$1" && echo \'RACK = "9"\' >> "$1"\n')
    editor.chmod(0o755)

    on_a_terminal(cloud, ["update", name], str(editor))

    assert cloud.document(f"onehost show {name}")["HOST"]["TEMPLATE"]["RACK"] == "9"
    cloud.ok(f"onehost delete {name}")


def test_an_editor_that_changes_nothing_changes_nothing(cloud: Shell) -> None:
    assert "Nothing was changed." in on_a_terminal(cloud, ["update", "host01"], "true")


def test_a_file_replaces_and_append_merges(
    cloud: Shell, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    name, file = fresh_name("host"), tmp_path / "attributes"
    cloud.make(f"onehost create {name} -i dummy -v dummy")
    file.write_text('A = "1"\nB = "2"\n')
    cloud.ok(f"onehost update {name} {file}")
    file.write_text('B = "3"\n')

    cloud.ok(f"onehost update {name} {file} --append")
    template = cloud.document(f"onehost show {name}")["HOST"]["TEMPLATE"]
    assert (template["A"], template["B"]) == ("1", "3")
    assert "name a readable file" in cloud.refused(f"onehost update {name} /nowhere")
    cloud.ok(f"onehost delete {name}")


def test_an_empty_standard_input_does_not_take_all_attributes_away(
    cloud: Shell, fresh_name: Callable[[str], str]
) -> None:
    name = fresh_name("kept")
    cloud.make(f"onevm create --name {name} --cpu 0.1 --memory 32 --hold --attribute LABELS=mine")

    assert "standard input is empty" in cloud.refused(f"onevm update {name}", stdin="")
    assert cloud.document(f"onevm show {name}")["VM"]["USER_TEMPLATE"]["LABELS"] == "mine"
