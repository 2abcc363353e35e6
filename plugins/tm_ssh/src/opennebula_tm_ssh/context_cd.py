"""The context CD: an ISO 9660 image, label CONTEXT, made on the front-end."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from opennebula_core.errors import DriverError
from opennebula_core.remote import Remote

LABEL = "CONTEXT"
PROGRAMS = (("xorriso", "-as", "mkisofs"), ("genisoimage",), ("mkisofs",))
MAKING_TIMEOUT = timedelta(minutes=5)


@asynccontextmanager
async def context_cd(remote: Remote, files: Sequence[tuple[str, str]]) -> AsyncIterator[Path]:
    """Make the CD in a folder that only we can read; it is gone after the block.

    :param files: (path on the front-end, name on the CD)
    :raises DriverError: a file cannot be read, a name is none, or no program makes CDs
    """
    program = next((words for words in PROGRAMS if shutil.which(words[0])), None)
    if program is None:
        raise DriverError("make the context CD: no xorriso, genisoimage or mkisofs; install one of them")
    with tempfile.TemporaryDirectory(prefix="one-context-") as folder:
        content, image = Path(folder, "content"), Path(folder, "context.iso")
        content.mkdir()
        for path, name in files:
            _add(content, path, name)
        argv = [*program, "-quiet", "-o", str(image), "-V", LABEL, "-J", "-R", str(content)]
        await remote.run("", argv, timeout=MAKING_TIMEOUT)
        yield image


def _add(content: Path, path: str, name: str) -> None:
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise DriverError(f"make the context CD: {name!r} is no file name; correct CONTEXT/FILES")
    try:
        shutil.copyfile(path, content / name)
    except OSError as error:
        raise DriverError(
            f"make the context CD: {path}: {error.strerror}; correct CONTEXT/FILES, or make it readable"
        ) from error
    (content / name).chmod(0o644)
