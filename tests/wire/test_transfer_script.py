from __future__ import annotations

import pytest

from opennebula_core.errors import DriverError
from opennebula_core.wire.transfer_script import Command, parse_script, translate_script

SCRIPT = """\
#% ATTEMPT=2
#% SIZE=64 FORMAT=qcow2
CLONE.ssh shared fe:/ds/1/img host01:/ds/0/7/disk.0 7 1
# a remark
MKSWAP ssh 8 host01:/ds/0/7/disk.1 7 0

context ssh /var/vms/7/context.sh /files/init.sh:init.sh host01:/ds/0/7/disk.2 7 0
"""


def test_commands_carry_their_drivers_words_ids_and_pragmas() -> None:
    script = parse_script(SCRIPT)

    assert script.attempt == 2
    assert script.commands[0] == Command(
        "CLONE",
        "ssh",
        "shared",
        ("fe:/ds/1/img", "host01:/ds/0/7/disk.0"),
        7,
        1,
        {"SIZE": "64", "FORMAT": "qcow2"},
    )
    assert [command.verb for command in script.commands] == ["CLONE", "MKSWAP", "CONTEXT"]
    assert script.commands[1].pragmas == {}


def test_a_command_can_be_written_as_it_stood() -> None:
    assert parse_script(SCRIPT).commands[0].text == SCRIPT.splitlines()[2]


@pytest.mark.parametrize("text", ["", "\n\n", "# only\n  # remarks\n"])
def test_a_script_may_be_empty(text: str) -> None:
    assert parse_script(text).commands == ()


@pytest.mark.parametrize("line", ["CLONE", "CLONE ssh", "DELETE ssh host01:/x", "MV ssh a:/x b:/y 7 one"])
def test_a_broken_line_is_named(line: str) -> None:
    with pytest.raises(DriverError, match=r"line 2: .* is no command; expected VERB DRIVER"):
        parse_script(f"# first\n{line}\n")


def test_today_s_form_is_left_as_it_is() -> None:
    assert translate_script(SCRIPT, (6, 10)) == SCRIPT


def test_4_14_has_no_suffixes() -> None:
    assert translate_script("DELETE.ssh shared host01:/ds/0/7/disk.0 7 1\n", (4, 14)) == (
        "DELETE shared host01:/ds/0/7/disk.0 7 1\n"
    )


def test_before_4_14_cpds_names_no_snapshot() -> None:
    text = "CPDS ssh host01:/ds/0/7/disk.0 img -1 7 1\n"

    assert translate_script(text, (4, 14)) == text
    assert translate_script(text, (4, 4)) == "CPDS ssh host01:/ds/0/7/disk.0 img 7 1\n"


def test_3_4_has_no_ids() -> None:
    assert translate_script(SCRIPT, (3, 4)) == (
        "CLONE shared fe:/ds/1/img host01:/ds/0/7/disk.0\n"
        "MKSWAP ssh 8 host01:/ds/0/7/disk.1\n"
        "CONTEXT ssh /var/vms/7/context.sh /files/init.sh host01:/ds/0/7/disk.2\n"
    )


def test_before_3_4_lines_name_no_driver_and_may_end_with_a_size() -> None:
    assert translate_script(SCRIPT, (2, 0)) == (
        "CLONE fe:/ds/1/img host01:/ds/0/7/disk.0 64\n"
        "MKSWAP 8 host01:/ds/0/7/disk.1\n"
        "CONTEXT /var/vms/7/context.sh /files/init.sh host01:/ds/0/7/disk.2\n"
    )


def test_before_3_4_a_persistent_disk_is_moved_back() -> None:
    text = "MVDS ssh host01:/ds/0/7/disk.0 fe:/ds/1/img 7 1\n"

    assert translate_script(text, (1, 4)) == "MV host01:/ds/0/7/disk.0 fe:/ds/1/img\n"


def test_before_3_4_a_folder_moves_as_a_whole() -> None:
    text = (
        "MV ssh host02:/ds/0/0/disk.0 host01:/ds/0/0/disk.0 0 1\n"
        "MV ssh host02:/ds/0/0/disk.1 host01:/ds/0/0/disk.1 0 0\n"
        "MV ssh host02:/ds/0/0 host01:/ds/0/0 0 0\n"
    )

    assert translate_script(text, (1, 4)) == "MV host02:/ds/0/0 host01:/ds/0/0\n"


@pytest.mark.parametrize(
    ("line", "release"),
    [
        ("RESIZE ssh host01:/x 20 7 1", (4, 14)),
        ("CPDS ssh host01:/x img -1 7 1", (2, 0)),
        ("SNAP_CREATE ssh host01:/x 0 7 1", (4, 4)),
        ("MKIMAGE ssh 8 raw host01:/x 7 0", (1, 2)),
    ],
)
def test_what_a_release_cannot_say_is_refused(line: str, release: tuple[int, int]) -> None:
    with pytest.raises(DriverError, match="do not know"):
        translate_script(line, release)


def test_before_3_6_context_files_keep_their_names() -> None:
    with pytest.raises(DriverError, match="cannot rename '/files/a'"):
        translate_script("CONTEXT ssh /c.sh /files/a:b host01:/x 7 0", (3, 4))
