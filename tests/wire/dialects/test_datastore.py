from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from opennebula_core.errors import DriverError
from opennebula_core.wire.dialects.datastore import datastore_dialect
from opennebula_core.wire.framing import Answer, LogLine, parse_answer
from opennebula_core.wire.requests import DatastoreRequest, Reply

IMAGE = (
    "<IMAGE><ID>4</ID><PATH>/srv/ttylinux.img</PATH><FS>ext3</FS><SIZE>1</SIZE><FORMAT>qcow2</FORMAT></IMAGE>"
)
STORE = "<DATASTORE><ID>1</ID></DATASTORE>"


def test_requests_are_those_of_the_6_10_core_to_the_letter(
    transcript: Callable[[str], Any],
) -> None:
    compared = 0
    for exchange in transcript("6.10.5-core-requests").exchanges:
        document = exchange.payload
        if not document.startswith("<DS_DRIVER_ACTION_DATA>"):
            continue
        action, id_ = exchange.request.split()[:2]
        image = re.search(r"<IMAGE>.*</IMAGE>(?=<DATASTORE>)", document, re.DOTALL)
        store = re.search(r"<DATASTORE><ID>.*</DATASTORE>(?=</DS_DRIVER)", document, re.DOTALL)
        assert store is not None
        request = DatastoreRequest(action, int(id_), image[0] if image else "", store[0])
        assert exchange.is_said_by(datastore_dialect((6, 10)).encode(request))
        compared += 1

    assert compared == 5


@pytest.mark.parametrize(
    "name", ["3.0-image", "3.4-datastore", "4.4-datastore", "6.10-datastore", "7.4-datastore"]
)
def test_all_recorded_answers_are_understood(name: str, transcript: Callable[[str], Any]) -> None:
    dialect = datastore_dialect((int(name[0]), int(name.partition("-")[0].partition(".")[2])))
    for line in transcript(name).answers:
        parsed = parse_answer(line)
        assert parsed is not None, line
        if isinstance(parsed, LogLine) or parsed.action == "INIT":
            continue
        reply = dialect.decode(DatastoreRequest(parsed.action, 4, IMAGE, STORE), parsed)
        assert reply.success == (line.split()[1] == "SUCCESS")
        if reply.success and parsed.action in ("CP", "MKFS", "CLONE"):
            assert re.fullmatch(r"\S+ (raw|qcow2|dummy_format)", reply.info)


@pytest.mark.parametrize(
    ("release", "info", "expected"),
    [
        ((3, 4), "/ds/1/abc 1", "/ds/1/abc qcow2"),
        ((4, 4), "/ds/1/abc", "/ds/1/abc qcow2"),
        ((6, 10), "/ds/1/abc raw", "/ds/1/abc raw"),
        ((6, 10), "/ds/1/abc ", "/ds/1/abc qcow2"),
    ],
)
def test_an_image_s_answer_is_source_and_format(release: tuple[int, int], info: str, expected: str) -> None:
    request = DatastoreRequest("CP", 4, IMAGE, STORE)

    assert datastore_dialect(release).decode(request, Answer("CP", "SUCCESS", 4, info)) == Reply(
        True, expected
    )


def test_an_image_without_a_source_has_failed() -> None:
    request = DatastoreRequest("CP", 4, IMAGE, STORE)

    assert not datastore_dialect((6, 10)).decode(request, Answer("CP", "SUCCESS", 4, "-")).success


@pytest.mark.parametrize(
    ("action", "line"),
    [("CP", "CP 4 /srv/ttylinux.img"), ("MKFS", "MKFS 4 ext3 1")],
)
def test_3_0_takes_words(action: str, line: str) -> None:
    assert datastore_dialect((3, 0)).encode(DatastoreRequest(action, 4, IMAGE, STORE)) == line


def test_3_0_takes_no_blanks() -> None:
    image = IMAGE.replace("/srv/ttylinux.img", "/srv/my image")
    with pytest.raises(DriverError, match="must be words without blanks"):
        datastore_dialect((3, 0)).encode(DatastoreRequest("CP", 4, image, STORE))


def test_3_4_knows_no_stat() -> None:
    with pytest.raises(DriverError, match="do not know it"):
        datastore_dialect((3, 4)).encode(DatastoreRequest("STAT", 0, IMAGE, STORE))
