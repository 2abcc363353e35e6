from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opennebula_core.contracts.tm import Location, Transfer
from opennebula_core.wire.services.tm import TmService

Serve = Callable[..., Any]

SCRIPT = """\
#% ATTEMPT=2
#% SIZE=64 FORMAT=qcow2
CLONE rec fe:/ds/1/img host01:/ds/0/7/disk.0 7 1
CLONE.ssh rec fe:/ds/1/img2 host01:/ds/0/7/disk.1 7 1
LN rec fe:/ds/1/img3 host01:/ds/0/7/disk.2 7 1
MKSWAP rec 8 host01:/ds/0/7/disk.3 7 0
MKIMAGE rec 16 ext4 host01:/ds/0/7/disk.4 7 0
CONTEXT rec /v/context.sh /files/x:init.sh host01:/ds/0/7/disk.5 7 0
MV rec host01:/ds/0/7 host02:/ds/0/7 7 0
MVDS rec host02:/ds/0/7/disk.2 fe:/ds/1/img3 7 1
CPDS rec host02:/ds/0/7/disk.0 fe:/ds/1/new -1 7 1
DELETE rec host02:/ds/0/7 7 0
"""


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], str]:
    def write(text: str) -> str:
        file = tmp_path / "transfer.0.prolog"
        file.write_text(text)
        return f"TRANSFER  7 {file}"

    return write


async def test_each_verb_calls_its_method_in_order(
    serve: Serve, script: Callable[[str], str], steps: list[str]
) -> None:
    assert await serve(TmService, "rec").ask(script(SCRIPT)) == "TRANSFER SUCCESS 7 -"

    assert steps == [
        "clone fe:/ds/1/img host01:/ds/0/7/disk.0",
        "clone fe:/ds/1/img2 host01:/ds/0/7/disk.1",
        "link fe:/ds/1/img3 host01:/ds/0/7/disk.2",
        "make_image 8 swap host01:/ds/0/7/disk.3",
        "make_image 16 ext4 host01:/ds/0/7/disk.4",
        "context [('/v/context.sh', 'context.sh'), ('/files/x', 'init.sh')] host01:/ds/0/7/disk.5",
        "move host01:/ds/0/7 host02:/ds/0/7",
        "move_back host02:/ds/0/7/disk.2 fe:/ds/1/img3",
        "copy_back host02:/ds/0/7/disk.0 fe:/ds/1/new -1",
        "delete host02:/ds/0/7",
    ]


async def test_the_destination_of_a_cold_migration_is_cleaned_without_a_document(
    serve: Serve, script: Callable[[str], str], steps: list[str]
) -> None:
    command = "FAILMIGRATE rec host01 host02 /ds/0/7 7 0"

    assert await serve(TmService, "rec").ask(script(command)) == "TRANSFER SUCCESS 7 -"
    assert steps == ["failmigrate"]


async def test_pragmas_reach_the_next_command(
    serve: Serve, script: Callable[[str], str], steps: list[str], recording_tm: Any
) -> None:
    await serve(TmService, "rec").ask(script(SCRIPT))

    first, second = recording_tm.transfers
    assert (first.vm_id, first.datastore_id, first.size_mib, first.format) == (7, 1, 64, "qcow2")
    assert (second.size_mib, second.format) == (0, "")
    assert first.attempt == second.attempt == 2


async def test_the_first_failure_ends_the_script(
    serve: Serve, script: Callable[[str], str], steps: list[str], failing: set[str]
) -> None:
    failing.add("link")

    answer = await serve(TmService, "rec").ask(script(SCRIPT))

    assert answer == "TRANSFER FAILURE 7 link fe:/ds/1/img3 host01:/ds/0/7/disk.2 was told to fail"
    assert len(steps) == 3


@pytest.mark.parametrize("text", ["", "# nothing\n\n"])
async def test_an_empty_script_succeeds(
    text: str, serve: Serve, script: Callable[[str], str], steps: list[str]
) -> None:
    assert await serve(TmService, "rec").ask(script(text)) == "TRANSFER SUCCESS 7 -"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("CLONE nosuch fe:/a host01:/b 7 1", "Transfer Driver 'nosuch' not available"),
        ("FROB rec fe:/a host01:/b 7 1", "Transfer Driver 'rec' does not implement 'frob'"),
        ("RESIZE rec host01:/b 20 7 1", "Transfer Driver 'rec' does not implement 'resize'"),
        ("CLONE rec fe:/a 7 1", "expected SOURCE DESTINATION"),
        ("MKSWAP rec big host01:/b 7 0", "a number where 'big' stands"),
        ("MKIMAGE rec 8 host01:/b 7 0", "expected SIZE FORMAT DESTINATION"),
        ("CONTEXT rec host01:/b 7 0", "expected FILE"),
        ("CPDS rec host01:/b fe:/c 7 0", "expected DISK IMAGE SNAPSHOT_ID"),
        ("DELETE rec host01:/b host01:/c 7 0", "expected TARGET"),
        ("RESIZE rec host01:/b 7 0", "expected DISK SIZE"),
        ("FAILMIGRATE rec host01 /b 7 0", "expected SOURCE_HOST DESTINATION_HOST FOLDER"),
        ("DELETE rec host01:/b", "transfer script, line 1"),
    ],
)
async def test_a_command_that_cannot_be_done_is_named(
    command: str, reason: str, serve: Serve, script: Callable[[str], str], steps: list[str]
) -> None:
    answer = await serve(TmService, "rec").ask(script(command))

    assert answer.startswith("TRANSFER FAILURE 7")
    assert reason in answer
    assert steps == []


async def test_a_missing_script_is_named(serve: Serve) -> None:
    assert await serve(TmService, "rec").ask("TRANSFER 7 /no/such") == (
        "TRANSFER FAILURE 7 Transfer file '/no/such' does not exist"
    )


async def test_other_requests_are_refused(serve: Serve) -> None:
    assert await serve(TmService, "rec").ask("CLONE 7 x") == (
        "CLONE FAILURE 7 CLONE is not implemented by driver tm/rec"
    )


async def test_a_driver_reports_progress_and_remarks(
    serve: Serve,
    script: Callable[[str], str],
    classes: dict[tuple[str, str], type],
    recording_tm: type,
) -> None:
    class Telling(recording_tm):  # type: ignore[misc]  # a class from a fixture
        def clone(self, source: Location, destination: Location, transfer: Transfer) -> None:
            assert threading.current_thread() is not threading.main_thread()
            transfer.report.info("copying\nin two lines")
            transfer.report.progress(10, 100)
            transfer.report.progress(20, 100)
            transfer.report.progress(100, 100)
            transfer.report.warning("slow")
            transfer.report.error("late")

    classes["tm", "telling"] = Telling
    driven = serve(TmService, "rec")

    await driven.ask(script("CLONE telling fe:/a host01:/b 7 1"))

    assert driven.lines[:-1] == [
        "LOG I 7 copying",
        "LOG I 7 in two lines",
        "LOG I 7 PROGRESS 10 100",
        "LOG I 7 PROGRESS 100 100",
        "LOG W 7 slow",
        "LOG E 7 late",
    ]
