from __future__ import annotations

from pathlib import Path

from tests.docs.typed import DOCS, commands, typed


def test_every_command_of_the_page_works(tmp_path: Path) -> None:
    assert "Stopped onesched and oned." in typed(commands(DOCS / "first-steps.md"), tmp_path)
