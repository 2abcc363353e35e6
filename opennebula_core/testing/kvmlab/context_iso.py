"""Context CDs as OpenNebula makes them: ISO 9660, label CONTEXT, ``context.sh`` on it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from opennebula_core.testing.kvmlab.command import run, write_file


def make_context_iso(path: Path, variables: Mapping[str, str], files: Iterable[Path] = ()) -> None:
    """Make a context CD.

    :param files: further files, put beside ``context.sh`` under their own names
    :raises LabError: xorriso failed
    """
    with tempfile.TemporaryDirectory() as folder:
        lines = [f"{name}='{_quoted(value)}'\n" for name, value in variables.items()]
        write_file(Path(folder) / "context.sh", "# context\n" + "".join(lines))
        for file in files:
            shutil.copy(file, folder)
        options = ["-quiet", "-V", "CONTEXT", "-J", "-R"]
        run(["xorriso", "-as", "mkisofs", *options, "-o", str(path), folder])


def _quoted(value: str) -> str:
    return value.replace("'", "'\\''")
