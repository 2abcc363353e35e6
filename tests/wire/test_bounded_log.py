from __future__ import annotations

from pathlib import Path

import pytest

from opennebula_core.wire.bounded_log import BoundedLog


def test_what_is_written_is_there_at_once(tmp_path: Path) -> None:
    log = BoundedLog(tmp_path / "log" / "vmm_kvm.log")

    log.write(b"first\n")
    log.write(b"second\n")

    assert (tmp_path / "log" / "vmm_kvm.log").read_bytes() == b"first\nsecond\n"
    log.close()


def test_an_existing_file_is_continued(tmp_path: Path) -> None:
    file = tmp_path / "vmm_kvm.log"
    file.write_bytes(b"earlier\n")
    log = BoundedLog(file)

    log.write(b"later\n")

    assert file.read_bytes() == b"earlier\nlater\n"
    log.close()


def test_two_files_at_most_are_kept(tmp_path: Path) -> None:
    log = BoundedLog(tmp_path / "vmm_kvm.log", max_bytes=100)

    for number in range(50):
        log.write(f"line number {number:4}\n".encode())

    assert sorted(file.name for file in tmp_path.iterdir()) == ["vmm_kvm.log", "vmm_kvm.log.1"]
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 300
    log.close()


def test_a_disk_that_fails_loses_text_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be")
    log = BoundedLog(tmp_path / "taken" / "vmm_kvm.log")

    log.write(b"text\n")

    assert "its text is lost" in caplog.text
