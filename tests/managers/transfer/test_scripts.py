"""The lines are those that OpenNebula 6.10.5 wrote for the same VM, but for its double slash."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from opennebula_core.errors import DriverError
from opennebula_core.managers.transfer.lines import Stay
from opennebula_core.managers.transfer.paths import VmPaths
from opennebula_core.managers.transfer.phases import Phase
from opennebula_core.managers.transfer.scripts import (
    cleanup_lines,
    context_line,
    live_migration_line,
    write_script,
)
from opennebula_core.model.objects import Vm
from opennebula_core.model.template import Template

PATHS = VmPaths(0, 0, "/one/datastores", Path("/one/datastores"))
STAY = Stay("host01", "vm", PATHS, "ssh", previous_host="host02", previous_paths=PATHS)
TEXT = """
DISK=[DISK_ID="0",IMAGE_ID="0",SOURCE="/datastores/1/mock-0",DATASTORE_ID="1",TM_MAD="ssh",SAVE="NO",SIZE="10",
      ORIGINAL_SIZE="10",FORMAT="raw"]
DISK=[DISK_ID="1",TYPE="swap",SIZE="64",FORMAT="swap"]
CONTEXT=[DISK_ID="2",TARGET="hda"]
"""


def _vm(text: str = TEXT) -> Vm:
    return Vm(id=0, name="web 1", template=Template.parse(text))


def _lines(phase: str, vm: Vm | None = None, attempt: int = 1) -> list[str]:
    return write_script(phase, vm or _vm(), STAY, attempt).splitlines()


def test_prolog_clones_images_and_makes_volatile_disks() -> None:
    assert _lines(Phase.PROLOG) == [
        "#% FORMAT=raw",
        "CLONE ssh vm:/datastores/1/mock-0 host01:/one/datastores/0/0/disk.0 0 1",
        "MKSWAP ssh 64 host01:/one/datastores/0/0/disk.1 0 0",
    ]


@pytest.mark.parametrize(
    ("phase", "source", "target"),
    [(Phase.MIGRATE, "host02", "host01"), (Phase.STOP, "host01", "vm"), (Phase.RESUME, "vm", "host01")],
)
def test_moves_name_each_disk_and_then_the_folder(phase: str, source: str, target: str) -> None:
    folder = "/one/datastores/0/0"
    assert _lines(phase) == [
        f"MV ssh {source}:{folder}/disk.0 {target}:{folder}/disk.0 0 1",
        f"MV ssh {source}:{folder}/disk.1 {target}:{folder}/disk.1 0 0",
        f"MV ssh {source}:{folder} {target}:{folder} 0 0",
    ]


def test_epilog_removes_disks_and_folder() -> None:
    expected = [
        "DELETE ssh host01:/one/datastores/0/0/disk.0 0 1",
        "DELETE ssh host01:/one/datastores/0/0/disk.1 0 0",
        "DELETE ssh host01:/one/datastores/0/0 0 0",
    ]
    assert _lines(Phase.EPILOG) == expected
    assert list(cleanup_lines(_vm(), STAY)) == expected


def test_the_other_host_of_a_migration_is_cleaned_in_its_own_datastore_by_its_own_driver() -> None:
    before = VmPaths(0, 100, "/one/datastores", Path("/one/datastores"))
    stay = replace(STAY, previous_paths=before, previous_tm_mad="shared")
    assert list(cleanup_lines(_vm(), stay, "host02"))[3:] == [
        "DELETE ssh host02:/one/datastores/100/0/disk.0 0 1",
        "DELETE shared host02:/one/datastores/100/0/disk.1 0 100",
        "DELETE shared host02:/one/datastores/100/0 0 100",
    ]


def test_a_persistent_disk_is_linked_and_written_back() -> None:
    vm = _vm(TEXT.replace('SAVE="NO"', 'SAVE="YES"'))
    assert "LN ssh vm:/datastores/1/mock-0 host01:/one/datastores/0/0/disk.0 0 1" in _lines(Phase.PROLOG, vm)
    back = "MVDS ssh host01:/one/datastores/0/0/disk.0 vm:/datastores/1/mock-0 0 1"
    assert back in _lines(Phase.EPILOG, vm)
    assert back.replace("host01:", "vm:", 1) in _lines(Phase.EPILOG_FRONT_END, vm)


def test_a_disk_that_shall_grow_says_so() -> None:
    assert "#% SIZE=20 FORMAT=raw" in _lines(Phase.PROLOG, _vm(TEXT.replace('SIZE="10"', 'SIZE="20"', 1)))


def test_a_further_attempt_is_announced() -> None:
    assert _lines(Phase.EPILOG, attempt=3)[0] == "#% ATTEMPT=3"


def test_the_context_and_live_migration_lines() -> None:
    assert context_line(_vm(), STAY, "/one/vms/0/context.sh") == (
        "CONTEXT ssh /one/vms/0/context.sh host01:/one/datastores/0/0/disk.2 0 0\n"
    )
    assert live_migration_line(_vm(), STAY) == "MIGRATE ssh host02 host01 /one/datastores/0/0 0 0\n"


@pytest.mark.parametrize("word", ["raw host01:/etc 0 0", "raw\nDELETE ssh host01:/", "raw\tx", "a\u2028b"])
def test_a_template_cannot_smuggle_commands_in(word: str) -> None:
    disk = f'DISK=[DISK_ID="0",TYPE="fs",SIZE="10",FORMAT="{word}"]\n'
    with pytest.raises(DriverError, match="cannot stand in a transfer script"):
        _lines(Phase.PROLOG, _vm(disk))


def test_an_image_without_a_source_is_named() -> None:
    with pytest.raises(DriverError, match="image 0 has no SOURCE"):
        _lines(Phase.PROLOG, _vm(TEXT.replace('SOURCE="/datastores/1/mock-0",', "")))
