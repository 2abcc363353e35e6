"""The database of a cloud on this machine: as ``one db check`` looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from opennebula_core.cli.db import problems_of
from opennebula_core.cli.doctor.findings import Finding, error, limited, ok
from opennebula_core.errors import StoreError


def examine_database(path: Path) -> Iterator[Finding]:
    """Yield what is wrong with the file and with its sums."""
    if not path.is_file():
        yield error("database", f"{path} is missing", "one start (makes one), or restore a backup")
        return
    try:
        problems = problems_of(path)
    except StoreError as problem:
        yield error("database", str(problem), "one db check")
        return
    if not problems:
        yield ok("database", f"{path} is whole and agrees with itself")
    findings = [
        error("database", problem.text, "one stop; one db check --fix; one start" if problem.can_be_fixed
              else "one db check; restore a backup")
        for problem in problems
    ]  # fmt: skip
    yield from limited(findings, "one db check")
