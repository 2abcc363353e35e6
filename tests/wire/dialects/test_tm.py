from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opennebula_core.errors import DriverError
from opennebula_core.wire.dialects.tm import TmDialect
from opennebula_core.wire.framing import LogLine, parse_answer
from opennebula_core.wire.requests import TransferRequest
from opennebula_core.wire.transfer_script import parse_script

PATH = Path("$ONE_LOCATION/var/vms/0/transfer.0.prolog")
CLONE = "#% ATTEMPT=2\nCLONE ssh fe:/ds/1/img host01:/ds/0/7/disk.0 7 1\n"


def test_requests_are_those_of_the_6_10_core_to_the_letter(transcript: Callable[[str], Any]) -> None:
    lines = [line for line in transcript("6.10.5-core-requests").requests if line.startswith("TRANSFER")]

    assert lines
    for line in lines:
        _, vm_id, path = line.split()
        assert TmDialect((6, 10)).encode(TransferRequest(int(vm_id), path)) == line


@pytest.mark.parametrize("name", ["1.4-tm", "3.0-tm", "3.4-tm", "4.4-tm", "6.10-tm", "7.4-tm"])
def test_all_recorded_answers_are_understood(name: str, transcript: Callable[[str], Any]) -> None:
    for line in transcript(name).answers:
        parsed = parse_answer(line)
        assert parsed is not None, line
        if not isinstance(parsed, LogLine) and parsed.action == "TRANSFER":
            reply = TmDialect((6, 10)).decode(TransferRequest(7, PATH), parsed)
            assert reply.success == (line.split()[1] == "SUCCESS")


@pytest.mark.parametrize("name", ["4.4-tm", "6.10-tm", "7.4-tm"])
def test_recorded_scripts_are_read(name: str, transcript: Callable[[str], Any]) -> None:
    scripts = transcript(name).scripts

    assert len(scripts) == 7
    for text in scripts.values():
        commands = parse_script(text).commands
        assert [command.text for command in commands] == text.splitlines()


def test_transfer_files_of_the_6_10_core_are_read() -> None:
    file = Path(__file__).parent.parent / "transcripts" / "6.10.5-core-transfer-files.txt"

    commands = parse_script(file.read_text()).commands

    assert {command.verb for command in commands} == {"CLONE", "MKSWAP", "MV", "DELETE"}
    assert commands[0].arguments == (
        "vm:/datastores/1/mock-0",
        "host01:$ONE_LOCATION/var//datastores/0/0/disk.0",
    )


def test_for_an_older_driver_the_script_is_written_in_its_words(tmp_path: Path) -> None:
    script = tmp_path / "transfer.0.prolog"
    script.write_text(CLONE)

    line = TmDialect((3, 4)).encode(TransferRequest(7, script))

    assert line == f"TRANSFER 7 {script}.3.4"
    assert Path(line.split()[2]).read_text() == "CLONE ssh fe:/ds/1/img host01:/ds/0/7/disk.0\n"
    assert script.read_text() == CLONE


def test_a_path_with_a_blank_cannot_be_sent() -> None:
    with pytest.raises(DriverError, match="use a ONE_LOCATION without blanks"):
        TmDialect().encode(TransferRequest(7, "/srv/my cloud/transfer.0.prolog"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CLONE, True),
        ("DELETE ssh host01:/ds/0/7 7 0\n", True),
        ("MV ssh host01:/ds/0/7 host02:/ds/0/7 7 0\n", False),
        (f"{CLONE}LN ssh fe:/a host01:/b 7 1\n", False),
        ("rubbish", False),
    ],
)
def test_a_script_may_be_repeated_when_all_its_commands_may(
    text: str, expected: bool, tmp_path: Path
) -> None:
    script = tmp_path / "transfer.0.prolog"
    script.write_text(text)

    assert TmDialect().may_resend(TransferRequest(7, script)) is expected


def test_a_script_that_is_gone_may_not_be_repeated(tmp_path: Path) -> None:
    assert TmDialect().may_resend(TransferRequest(7, tmp_path / "none")) is False


def test_a_driver_is_described_by_the_verbs_of_its_release() -> None:
    assert "RESIZE" in TmDialect((5, 4)).described_actions
    assert "RESIZE" not in TmDialect((4, 14)).described_actions
