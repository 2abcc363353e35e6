from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from opennebula_core.config.location import Location
from opennebula_core.managers.vm import log as log_module
from opennebula_core.managers.vm.log import MAX_LINE, VmLog

LIMIT_S = 10.0


@pytest.fixture
def log(tmp_path: Path) -> Iterator[VmLog]:
    made = VmLog(Location.at(tmp_path))
    yield made
    made.close()


def lines_of(log: VmLog, vm_id: int) -> list[str]:
    return log.path(vm_id).read_text().splitlines() if log.path(vm_id).exists() else []


def wait_for_lines(log: VmLog, vm_id: int, count: int) -> list[str]:
    deadline = time.monotonic() + LIMIT_S
    while len(lines_of(log, vm_id)) < count:
        assert time.monotonic() < deadline, f"the log has {lines_of(log, vm_id)}"
        time.sleep(0.005)
    return lines_of(log, vm_id)


def test_a_line_has_opennebulas_form(log: VmLog) -> None:
    log.write(7, "I", "New state is ACTIVE")
    (line,) = wait_for_lines(log, 7, 1)
    assert re.fullmatch(r"\w{3} \w{3} \d\d \d\d:\d\d:\d\d \d{4} \[Z0\]\[VM\]\[I\]: New state is ACTIVE", line)


def test_lines_of_several_vms_go_to_their_own_files_in_order(log: VmLog) -> None:
    for number in range(50):
        log.write(number % 2, "I", f"line {number}")
    log.flush()
    assert [line.rpartition(" ")[2] for line in lines_of(log, 0)] == [str(n) for n in range(0, 50, 2)]
    assert [line.rpartition(" ")[2] for line in lines_of(log, 1)] == [str(n) for n in range(1, 50, 2)]


def test_an_error_does_not_wait_and_takes_the_lines_before_it_along(
    log: VmLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "GATHERING_S", 2 * LIMIT_S)
    log.write(7, "I", "first")
    log.write(7, "E", "no room", "VMM")
    first, second = wait_for_lines(log, 7, 2)
    assert first.endswith("first")
    assert second.endswith("[Z0][VMM][E]: no room")


def test_closing_writes_what_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "GATHERING_S", 2 * LIMIT_S)
    log = VmLog(Location.at(tmp_path))
    log.write(7, "I", "last words")
    log.close()
    assert lines_of(log, 7)[0].endswith("last words")


def test_a_text_of_several_lines_becomes_one_of_limited_length(log: VmLog) -> None:
    log.write(7, "E", "first\nsecond " + "x" * 2 * MAX_LINE)
    (line,) = wait_for_lines(log, 7, 1)
    assert "first second" in line
    assert len(line) < MAX_LINE + 100


def test_a_log_that_cannot_be_written_is_told_and_stops_nobody(
    log: VmLog, caplog: pytest.LogCaptureFixture
) -> None:
    folder = log.path(7).parent
    os.makedirs(folder.parent)
    folder.write_text("in the way")
    log.write(7, "I", "lost")
    log.write(8, "I", "kept")
    log.flush()
    assert lines_of(log, 8)[0].endswith("kept")
    assert "VM 7: its log cannot be written" in caplog.text
