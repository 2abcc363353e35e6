from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.cli.shell import Program, Shell


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_covers_all_programs(cloud: Shell, shell: str) -> None:
    script = cloud.ok(f"one completion {shell}")

    for program in ("one", "onevm", "onehost", "oneacl"):
        assert f"_{program.upper()}_COMPLETE={shell}_complete" in script


def test_bash_can_read_the_script(cloud: Shell) -> None:
    script = cloud.ok("one completion bash")

    subprocess.run(["bash", "-n"], input=script.encode(), check=True)


def complete(cloud: Shell, words: str, number: int, location: str = "") -> list[str]:
    """Return what bash would offer for one of the words."""
    lines = answer(cloud, words, number, location).splitlines()
    return [line.partition(",")[2] for line in lines if line]


def answer(cloud: Shell, words: str, word: int | str, location: str = "", shell: str = "bash") -> str:
    """Return what the program tells a shell that asks."""
    environment = {
        "_ONEHOST_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(word),
        "ONE_LOCATION": location or str(cloud.location),
        "ONE_XMLRPC": None,
        "ONE_AUTH": None,
    }
    program = Program("onehost")
    result = CliRunner().invoke(program, [], env=environment)  # type: ignore[arg-type] # as Shell.run
    return result.stdout


def test_commands_options_and_names_are_completed(cloud: Shell) -> None:
    assert complete(cloud, "onehost en", 1) == ["enable"]
    assert complete(cloud, "onehost list --js", 2) == ["--json"]
    assert {"host01", "host02"} <= set(complete(cloud, "onehost show host0", 2))
    assert "host01,host02" in complete(cloud, "onehost disable host01,host02", 2)


def test_a_cloud_that_does_not_answer_completes_nothing(cloud: Shell, tmp_path: str) -> None:
    assert complete(cloud, "onehost show h", 2, str(tmp_path)) == []


BASH = """
source "$SCRIPT"
COMP_WORDS=($WORDS) COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
completes=$(complete -p "${COMP_WORDS[0]}")
function=${completes##*-F }
${function%% *} "${COMP_WORDS[0]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("onehost show host0", {"host01", "host02"}),
        ("one doc", {"doctor"}),
        ("onesecgroup show def", {"default"}),
    ],
    ids=["names of hosts", "commands of one", "names of security groups"],
)  # fmt: skip
def test_bash_offers_what_the_script_says(
    cloud: Shell, tmp_path: Path, words: str, offered: set[str]
) -> None:
    script = tmp_path / "one.bash"
    script.write_text(cloud.ok("one completion bash"))
    programs = Path(sys.executable).parent
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}", "ONE_LOCATION": str(cloud.location),
        "HOME": str(tmp_path), "SCRIPT": str(script), "WORDS": words,
    }  # fmt: skip

    said = subprocess.run(
        ["bash", "--norc", "-c", BASH], env=environment, capture_output=True, text=True, timeout=60
    )

    assert said.stderr == ""
    assert offered <= set(said.stdout.split())


@pytest.mark.parametrize(("shell", "word"), [("zsh", "2"), ("fish", "host0")])
def test_other_shells_are_offered_names_when_they_ask(cloud: Shell, shell: str, word: str) -> None:
    assert "host01" in answer(cloud, "onehost show host0", word, shell=shell)


def test_other_shells_that_are_installed_can_read_their_script(cloud: Shell, tmp_path: Path) -> None:
    for shell in filter(shutil.which, ("zsh", "fish")):
        script = tmp_path / f"one.{shell}"
        script.write_text(cloud.ok(f"one completion {shell}"))

        said = subprocess.run([shell, "-n", str(script)], capture_output=True, text=True, timeout=60)

        assert (said.returncode, said.stderr) == (0, "")


def test_zsh_is_made_ready_where_it_is_not_yet(cloud: Shell) -> None:
    first = cloud.ok("one completion zsh").splitlines()[0]

    assert first == "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }"
