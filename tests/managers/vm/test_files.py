from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from opennebula_core.config.location import Location
from opennebula_core.managers.vm.files import VmFiles


async def test_files_are_written_into_the_vms_folder(tmp_path: Path) -> None:
    location = Location.at(tmp_path)
    files = VmFiles(location)
    await files.write(7, {"context.sh": "GREETING='hello'\n", "deployment.0": "<domain/>"})
    assert (location.vm_folder(7) / "context.sh").read_text() == "GREETING='hello'\n"
    assert Path(files.path(7, "deployment.0")).read_text() == "<domain/>"


async def test_a_later_text_replaces_an_earlier_one(tmp_path: Path) -> None:
    files = VmFiles(Location.at(tmp_path))
    await files.write(7, {"context.sh": "a longer text\n"})
    await files.write(7, {"context.sh": "short\n"})
    assert Path(files.path(7, "context.sh")).read_text() == "short\n"


async def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    files = VmFiles(Location.at(tmp_path))
    Path(files.path(7, "context.sh")).mkdir(parents=True)
    with pytest.raises(OSError, match=r"context\.sh"):
        await files.write(7, {"context.sh": "text"})


async def test_a_write_that_nobody_waits_for_any_more_does_not_undo_a_later_one(tmp_path: Path) -> None:
    files = VmFiles(Location.at(tmp_path))
    path = Path(files.path(7, "transfer.0.prolog"))
    path.parent.mkdir(parents=True)
    os.mkfifo(f"{path}.new")  # the first write waits here, as on a disk that stalls
    first = asyncio.create_task(files.write(7, {"transfer.0.prolog": "attempt 1\n"}))
    await asyncio.sleep(0)
    first.cancel()
    second = asyncio.create_task(files.write(7, {"transfer.0.prolog": "attempt 2\n"}))
    assert await asyncio.to_thread(Path(f"{path}.new").read_text) == "attempt 1\n"
    await second
    assert path.read_text() == "attempt 2\n"


async def test_who_reads_a_file_while_it_is_replaced_has_the_whole_old_one(tmp_path: Path) -> None:
    files = VmFiles(Location.at(tmp_path))
    await files.write(7, {"context.sh": "old\n"})
    with open(files.path(7, "context.sh")) as reading:
        await files.write(7, {"context.sh": "new\n"})
        assert reading.read() == "old\n"
