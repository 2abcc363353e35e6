"""Files that are their owner's alone: from their making on, or closed when they are found open."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from opennebula_core.config.private_files import close_to_others, database_files, make_private


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_file_is_private_whatever_the_umask_and_keeps_what_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    make_private(path)
    assert mode(path) == 0o600
    path.write_text("x")
    path.chmod(0o644)

    make_private(path)

    assert (mode(path), path.read_text()) == (0o600, "x")


def test_files_that_others_could_read_are_closed_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = tmp_path / "one.db"
    files = [database, *database_files(database)]
    for file in files[:3]:
        file.touch(mode=0o666)
    files[0].chmod(0o600)

    with caplog.at_level(logging.WARNING):
        close_to_others(*files)

    assert [mode(file) for file in files[:3]] == [0o600] * 3
    assert not files[3].exists()
    assert len(caplog.records) == 2
