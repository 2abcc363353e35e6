from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from opennebula_core.testing.kvmlab.packages import can_install, install
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


ASKED = [
    ("onehost show host0", {"host01", "host02"}),
    ("one doc", {"doctor"}),
    ("onesecgroup show def", {"default"}),
]
ASKED_IDS = ["names of hosts", "commands of one", "names of security groups"]


@pytest.mark.parametrize(("words", "offered"), ASKED, ids=ASKED_IDS)
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


def test_zsh_is_made_ready_where_it_is_not_yet(cloud: Shell) -> None:
    first = cloud.ok("one completion zsh").splitlines()[0]

    assert first == "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }"


@pytest.fixture(scope="session")
def shells() -> None:
    """See that zsh and fish are there; they are installed where that may be done."""
    absent = [shell for shell in ("zsh", "fish") if shutil.which(shell) is None]
    if absent and can_install():
        install(absent)
    absent = [shell for shell in absent if shutil.which(shell) is None]
    assert not absent, f"{' and '.join(absent)} missing: install what completion is tested with"


def environment_of(cloud: Shell, home: Path) -> dict[str, str]:
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "ONE_LOCATION": str(cloud.location),
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "TERM": "dumb",
        "LINES": "50",
        "COLUMNS": "200",
    }


@pytest.mark.parametrize(("line", "offered"), ASKED, ids=ASKED_IDS)
def test_fish_offers_what_the_script_says(
    cloud: Shell, shells: None, tmp_path: Path, line: str, offered: set[str]
) -> None:
    script = tmp_path / "one.fish"
    script.write_text(cloud.ok("one completion fish"))
    asked = f"source {script}; complete -C '{line}'"

    said = subprocess.run(
        ["fish", "--no-config", "-c", asked],
        env=environment_of(cloud, tmp_path), capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert said.stderr == ""
    assert offered <= {row.partition("\t")[0] for row in said.stdout.splitlines()}


@pytest.mark.parametrize(("line", "offered"), ASKED, ids=ASKED_IDS)
def test_zsh_offers_what_the_script_says(
    cloud: Shell, shells: None, tmp_path: Path, line: str, offered: set[str]
) -> None:
    script = tmp_path / "one.zsh"
    # What is offered is listed at once, and insecure folders of the machine are none of our business.
    start = "autoload -Uz compinit && compinit -u\nsetopt NO_BEEP AUTO_LIST NO_LIST_AMBIGUOUS\nPS1=ready\n"
    (tmp_path / ".zshrc").write_text(f"{start}source {script}\n")
    script.write_text(cloud.ok("one completion zsh"))

    with zsh_on_a_terminal(environment_of(cloud, tmp_path)) as terminal:
        read_until(terminal, {"ready"})
        os.write(terminal, f"{line}\t\t".encode())
        read_until(terminal, offered if len(offered) > 1 else rest_of(line, *offered))


def rest_of(line: str, word: str) -> set[str]:
    """Return what a shell adds to a line when only one word is offered, in place of listing it."""
    return {word.removeprefix(line.rpartition(" ")[2]) + " "}


@contextmanager
def zsh_on_a_terminal(environment: dict[str, str]) -> Iterator[int]:
    """Run zsh, which completes on a terminal only; return the other end of that."""
    ours, its = pty.openpty()
    process = subprocess.Popen(
        ["zsh", "-d", "-i"], env=environment, stdin=its, stdout=its, stderr=its, start_new_session=True
    )
    os.close(its)
    try:
        yield ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def read_until(terminal: int, words: set[str], limit_s: float = 60) -> None:
    """Read what a terminal shows until all words have been there."""
    shown, end = "", time.monotonic() + limit_s
    while not all(word in shown for word in words):
        readable, _, _ = select.select([terminal], [], [], max(end - time.monotonic(), 0))
        assert readable, f"{words} did not come, but {shown!r}"
        shown += os.read(terminal, 4096).decode(errors="replace")
