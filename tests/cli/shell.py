"""The programs of the command line, run in this process against a real cloud."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

import click
from click.testing import CliRunner, Result

from opennebula_core.cli import main
from opennebula_core.cli.messages import failure_status

WIDE = "500"


class Program:
    """A program as click's test runner wants it, with the error handler that the installed one has."""

    def __init__(self, name: str) -> None:
        self.name = name

    def main(self, args: list[str], prog_name: str, **extra: Any) -> None:
        command = main._one if self.name == "one" else main.load(self.name.removeprefix("one"))
        main.run(partial(command.main, args=args), self.name)


@dataclass
class Shell:
    """Runs programs for a user of a cloud."""

    location: Path
    environment: Mapping[str, str | None] = field(default_factory=dict)

    def run(self, line: str, *words: str, stdin: str = "", columns: str = WIDE) -> Result:
        """Run a command; ``line`` is split at blanks, ``words`` are further arguments as they are."""
        program, *arguments = line.split()
        own: dict[str, str | None] = {
            "ONE_LOCATION": str(self.location),
            "ONE_XMLRPC": None,
            "ONE_AUTH": None,
            "COLUMNS": columns,
        }
        command = cast(click.Command, Program(program))
        return CliRunner().invoke(command, [*arguments, *words], input=stdin, env={**own, **self.environment})

    def ok(self, line: str, *words: str, stdin: str = "") -> str:
        """Run a command that has to succeed and return what it printed."""
        result = self.run(line, *words, stdin=stdin)
        assert result.exit_code == 0, f"{line} {words}: {result.output}"
        return result.stdout

    def make(self, line: str, *words: str, stdin: str = "") -> int:
        """Run a command that makes something and return its id."""
        return int(self.ok(line, *words, stdin=stdin).rpartition("ID: ")[2])

    def document(self, line: str, *words: str) -> Any:
        """Run a command with ``--json`` and return the document."""
        return json.loads(self.ok(line, *words, "--json"))

    def rows(self, line: str, *words: str) -> list[list[str]]:
        """Run a listing and return its cells."""
        text = self.ok(line, *words, "--csv", "--no-header")
        return [row.split(",") for row in text.splitlines()]

    def refused(self, line: str, *words: str, stdin: str = "") -> str:
        """Run a command that has to fail and return what it said."""
        result = self.run(line, *words, stdin=stdin)
        assert result.exit_code == failure_status(line.split()[0]), (
            f"{line} {words}: {result.exit_code} {result.output}"
        )
        return result.stderr.strip()

    def misused(self, line: str, *words: str) -> str:
        """Run a command that is used wrongly and return what it said."""
        result = self.run(line, *words)
        assert result.exit_code == 2, f"{line} {words}: {result.exit_code} {result.output}"
        return result.stderr


def hear_ctrl_c() -> None:
    """Let a child end at SIGINT, which a shell has its background jobs ignore: these tests may be in one."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_until(is_so: Callable[[], bool], limit_s: float = 60) -> None:
    """Wait for a condition.

    :raises TimeoutError: it does not come true
    """
    deadline = time.monotonic() + limit_s
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not so after {limit_s:g} s")
        time.sleep(0.05)


def program(name: str, *arguments: str, location: Path, limit_s: float = 120) -> str:
    """Run an installed program and return what it printed."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ONE_")}
    completed = subprocess.run(
        [str(Path(sys.executable).parent / name), *arguments],
        env={**environment, "ONE_LOCATION": str(location)},
        capture_output=True,
        timeout=limit_s,
    )
    said = (completed.stdout + completed.stderr).decode()
    assert completed.returncode == 0, said
    return said
