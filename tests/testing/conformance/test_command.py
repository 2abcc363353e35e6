from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from opennebula_core.testing.conformance.command import check
from opennebula_core.testing.conformance.subject import Limits

from .small_drivers import ROOT

EXAMPLES = ROOT / "docs/plugins/other_languages"
SMALL = f"{sys.executable} -S -m tests.testing.conformance.small.driver"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PAPER", str(tmp_path / "paper"))


def called(*arguments: str) -> Result:
    return CliRunner().invoke(check, list(arguments))


def test_the_driver_in_bash_of_the_manual_keeps_the_protocol() -> None:
    limits = ("--limit", "30", "--total", "120")

    done = called("vmm", "--command", str(EXAMPLES / "paper.sh"), "--json", *limits)

    report = json.loads(done.output)
    assert not [each for each in report["checks"] if each["result"] == "failed"]
    assert done.exit_code == 0
    assert report["kept"]
    assert report["passed"] > 20
    assert report["actions"] == ["CANCEL", "CLEANUP", "DEPLOY", "POLL", "SHUTDOWN"]


def test_the_manual_shows_the_driver_in_bash_and_the_file_as_they_are() -> None:
    page = (ROOT / "docs/plugins/other-languages.md").read_text()

    assert f"```bash\n{(EXAMPLES / 'paper.sh').read_text()}```" in page
    assert f"```toml\n{(EXAMPLES / 'check.toml').read_text()}```" in page


def test_the_file_of_the_manual_is_understood() -> None:
    listed = called("vmm", "--command", "true", "--file", str(EXAMPLES / "check.toml"), "--list")

    assert listed.exit_code == 0
    assert "action.DEPLOY " in listed.output


def test_a_fault_is_told_with_what_was_expected_and_seen_and_said() -> None:
    done = called("datastore", "--command", f"{SMALL} datastore stat-in-bytes", "--only", "STAT", "-x")

    assert done.exit_code == 1
    assert "FAIL  action.STAT " in done.output
    assert "expected: 3 for 2 MiB and a byte\n      seen:     2097153\n" in done.output
    assert "        > STAT  1" in done.output
    assert "        < STAT SUCCESS 1" in done.output
    assert done.output.splitlines()[-1].startswith("0 passed, 1 failed, in ")


def test_a_program_that_cannot_be_started_fails_and_nothing_more_is_tried() -> None:
    done = called("tm", "--command", "/nonexistent/driver")

    assert done.exit_code == 1
    assert "No such file or directory" in done.output
    assert "skipped: the driver does not begin" in done.output


def test_what_finds_no_time_is_no_pass() -> None:
    done = called("auth", "--command", f"{SMALL} auth", "--actions", "AUTHENTICATE", "--total", "0.01")

    assert done.exit_code == 1
    assert "is up; give more with --total" in done.output


def test_what_the_command_line_says_of_time_counts_more_than_the_file(tmp_path: Path) -> None:
    file = tmp_path / "check.toml"
    file.write_text("[limits]\ntotal = 0.01\n")
    arguments = ("--file", str(file), "--total", f"{Limits().total:g}", "--only", "start.init")

    assert called("vmm", "--command", f"{SMALL} vmm", *arguments).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("vmm",), "either --command '...' or --plugin NAME"),
        (("vmm", "--command", "true", "--plugin", "dummy"), "either --command '...' or --plugin NAME"),
        (("vnm", "--command", "true"), "name one with --plugin"),
        (("vmm", "--plugin", "nosuch"), "'nosuch' cannot be used"),
        (("frob", "--command", "true"), "'frob' is not one of"),
        (("im", "--command", "true", "--dialect", "4.4"), "only those of 5.12 and later can be checked"),
        (("vmm", "--command", "true", "--dialect", "new"), "no release of OpenNebula"),
        (("vmm", "--command", "true", "--only", "nothing-of-the-kind"), "no check has nothing-of-the-kind"),
    ],
)
def test_a_wrong_command_says_what_is_right(arguments: tuple[str, ...], said: str) -> None:
    done = called(*arguments)

    assert done.exit_code == 2
    assert said in done.output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("frob = 1", "there is no 'frob'; there are actions, "),
        ("actions = 3", "actions: 3 is no list"),
        ("host = 3", "host is 3; write a str"),
        ("limits = { frob = 3 }", "limits: "),
        ("= 3", "Invalid"),
    ],
)
def test_a_wrong_file_says_what_is_right(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "check.toml"
    file.write_text(text)

    done = called("vmm", "--command", "true", "--file", str(file), "--list")

    assert done.exit_code == 2
    assert said in done.output


def test_nothing_is_left_of_a_driver_that_hides_its_processes(tmp_path: Path) -> None:
    done = called("vmm", "--command", f"{SMALL} vmm starts-processes", "--only", "work", "-x")

    assert done.exit_code == 1
    assert left(tmp_path) == []


def test_a_program_that_prints_without_end_is_stopped_and_leaves_nothing(tmp_path: Path) -> None:
    program = tmp_path / "driver"
    program.write_text("#!/bin/sh\n[ $# = 0 ] || { setsid sleep 60 & exec yes rubbish; }\n")
    program.chmod(0o700)

    done = called("auth", "--command", str(program), "--only", "start.init")

    assert done.exit_code == 1
    assert "the driver ended with status 0" in done.output
    assert left(tmp_path) == []


def test_nothing_is_left_when_the_check_itself_is_ended(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "opennebula_core.testing.conformance", "auth"]
    driver = ["--command", f"{SMALL} auth", "--actions", "AUTHENTICATE"]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen([*command, *driver], stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        first = [process.stdout.readline() for _ in range(3)]
        assert os.listdir(tmp_path)

        process.terminate()

        assert process.wait(30) == 128 + signal.SIGTERM
    assert "start.init" in first[1]
    assert os.listdir(tmp_path) == []


def left(tmp_path: Path) -> list[str]:
    """Return the processes that have the test's environment; other tests start processes meanwhile."""
    mark = f"PAPER={tmp_path / 'paper'}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark in path.read_bytes().split(b"\0"):
                found.append(path.parent.name)
    return found
