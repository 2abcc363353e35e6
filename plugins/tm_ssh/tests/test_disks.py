from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from opennebula_core.errors import DriverError
from opennebula_tm_ssh.disks import disk_format, empty_disk, refusing_references


def fails_with(path: Path, format: str) -> str:
    argv = refusing_references(str(path), format)
    completed = subprocess.run(argv, capture_output=True, text=True, check=False)
    return completed.stderr.strip() if completed.returncode else ""


def qcow2(path: Path, *more: str) -> Path:
    argv = ["qemu-img", "create", "-q", "-f", "qcow2", *more, str(path), "1M"]
    subprocess.run(argv, check=True)
    return path


@pytest.mark.parametrize("word", ["qcow2", "QCOW2"])
def test_qcow2_is_known_by_its_word(word: str) -> None:
    assert disk_format(word) == "qcow2"


@pytest.mark.parametrize("word", ["", "raw", "ext4", "swap", "vmdk"])
def test_all_else_is_raw(word: str) -> None:
    assert disk_format(word) == "raw"


@pytest.mark.parametrize("made", ["", "ext4; id", "-F", "../mkfs", "EXT4"])
def test_a_file_system_that_is_no_word_is_refused(made: str) -> None:
    with pytest.raises(DriverError, match="is no format"):
        empty_disk("/x", 1, made)


def test_a_qcow2_disk_of_its_own_passes(tmp_path: Path) -> None:
    for version in ("0.10", "1.1"):
        path = qcow2(tmp_path / f"disk.{version}", "-o", f"compat={version}")
        assert fails_with(path, "qcow2") == ""
        assert fails_with(path, "") == ""


def test_a_qcow2_disk_with_a_backing_file_is_refused(tmp_path: Path) -> None:
    qcow2(tmp_path / "below")
    path = qcow2(tmp_path / "disk", "-b", str(tmp_path / "below"), "-F", "qcow2")
    assert fails_with(path, "qcow2") == "it has a backing file"
    assert fails_with(path, "") == "it has a backing file"
    assert fails_with(path, "raw") == ""


def test_a_qcow2_disk_with_its_data_elsewhere_is_refused(tmp_path: Path) -> None:
    path = qcow2(tmp_path / "disk", "-o", f"data_file={tmp_path}/data,data_file_raw=on")
    assert fails_with(path, "qcow2") == "its data are in another file"


def test_what_should_be_qcow2_and_is_not_is_refused(tmp_path: Path) -> None:
    (tmp_path / "disk").write_bytes(b"x" * 1000)
    assert fails_with(tmp_path / "disk", "qcow2") == "it is no qcow2 disk"
    assert fails_with(tmp_path / "disk", "") == ""
