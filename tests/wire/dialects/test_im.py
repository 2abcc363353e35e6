from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opennebula_core.errors import DriverError
from opennebula_core.wire.dialects.im import im_dialect
from opennebula_core.wire.framing import Answer, LogLine, parse_answer
from opennebula_core.wire.monitoring import (
    HostCapacity,
    HostFailed,
    HostSystem,
    MonitorMessage,
    VmStates,
    pack,
)
from opennebula_core.wire.requests import MonitorRequest

HOST = "<HOST><ID>3</ID><NAME>host01</NAME></HOST>"
CONFIGURATION = (
    "<MONITOR_CONFIGURATION><DATASTORE_LOCATION>/srv/cloud/one/datastores</DATASTORE_LOCATION>"
    "</MONITOR_CONFIGURATION>"
)
START = MonitorRequest("START_MONITOR", 3, HOST, CONFIGURATION)
STOP = MonitorRequest("STOP_MONITOR", 3, HOST, CONFIGURATION)
MORE = MonitorRequest("MONITOR", 3, HOST, CONFIGURATION)
RECORDED = (
    "1.4-im",
    "2.0-im",
    "2.2-im",
    "3.0-im",
    "3.4-im",
    "4.4-im",
    "4.14-im",
    "5.12-im",
    "6.10-im",
    "7.4-im",
)


def release_of(name: str) -> tuple[int, int]:
    major, minor = name.partition("-")[0].split(".")
    return int(major), int(minor)


@pytest.mark.parametrize(
    ("name", "request_", "line"),
    [
        ("1.4-im", START, "MONITOR 3 host01"),
        ("2.0-im", MORE, "MONITOR 3 host01 0"),
        ("3.4-im", MORE, "MONITOR 3 host01 0"),
        ("4.4-im", STOP, "STOPMONITOR 3 host01 "),
    ],
)
def test_requests_are_the_recorded_ones(
    name: str, request_: MonitorRequest, line: str, transcript: Callable[[str], Any]
) -> None:
    assert im_dialect(release_of(name)).encode(request_) == line
    assert line.strip() in [request.strip() for request in transcript(name).requests]


def test_the_first_look_copies_the_probes() -> None:
    assert im_dialect((2, 0)).encode(START) == "MONITOR 3 host01 1"
    assert im_dialect((4, 4)).encode(START) == "MONITOR 3 host01 /srv/cloud/one/datastores 1"


def test_packed_requests_say_what_those_of_the_6_10_core_say(
    transcript: Callable[[str], Any], decoded: Callable[[str], str]
) -> None:
    recorded = transcript("6.10.5-core-requests").first("START_MONITOR").split()
    document = decoded(recorded[4])
    host = document[document.index("<HOST>") : document.index("<MONITOR_CONFIGURATION>")]
    configuration = document[
        document.index("<MONITOR_CONFIGURATION>") : document.index("</MONITOR_DRIVER_ACTION>")
    ]

    ours = im_dialect((6, 10)).encode(MonitorRequest("START_MONITOR", 0, host, configuration)).split()

    assert ours[:4] == recorded[:4]
    assert decoded(ours[4]) == document


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_answers_give_the_same_values_in_every_release(
    name: str, transcript: Callable[[str], Any]
) -> None:
    dialect = im_dialect(release_of(name))
    messages: list[MonitorMessage] = []
    for line in transcript(name).answers:
        parsed = parse_answer(line)
        assert parsed is not None
        if isinstance(parsed, Answer) and parsed.action != "INIT":
            assert dialect.decode(START, parsed).success
            messages += dialect.messages(parsed)

    system = next(message for message in messages if isinstance(message, HostSystem))
    capacity = next(message for message in messages if isinstance(message, HostCapacity))
    assert system.host_id == capacity.host_id == 3
    assert int(system.attributes.get("TOTALCPU")) in (400, 800)
    assert int(system.attributes.get("TOTALMEMORY")) > 8_000_000
    assert system.attributes.get("HYPERVISOR") in ("kvm", "dummy")
    if name != "1.4-im":  # its probes had found no tool and said USEDCPU= and nothing
        assert int(capacity.attributes.get("FREECPU")) >= 0
        assert int(capacity.attributes.get("USEDMEMORY")) >= 0


@pytest.mark.parametrize("name", ["5.12-im", "6.10-im", "7.4-im"])
def test_recorded_datagrams_are_understood(name: str, transcript: Callable[[str], Any]) -> None:
    dialect = im_dialect(release_of(name))

    kinds = []
    for line in transcript(name).datagrams:
        answer = parse_answer(line)
        assert isinstance(answer, Answer)
        kinds += [type(message).__name__ for message in dialect.messages(answer)]

    assert kinds == ["HostBeacon", "HostSystem", "HostCapacity"]


def test_a_quoted_value_keeps_its_blanks_and_commas(transcript: Callable[[str], Any]) -> None:
    line = next(line for line in transcript("1.4-im").answers if line.startswith("MONITOR"))
    answer = parse_answer(line)
    assert isinstance(answer, Answer)

    system = im_dialect((1, 4)).messages(answer)[0]

    assert isinstance(system, HostSystem)
    assert system.attributes.get("MODELNAME") == "Intel(R) Xeon(R) Processor"


@pytest.mark.parametrize(
    ("release", "answer"),
    [
        ((2, 0), Answer("MONITOR", "FAILURE", 3, "Could not monitor host host01.")),
        ((4, 4), Answer("MONITOR", "FAILURE", 3, "Q291bGQgbm90IG1vbml0b3IgaG9zdCBob3N0MDEu")),
        ((6, 10), Answer("MONITOR_HOST", "FAILURE", 3, f"0 {pack('Could not monitor host host01.')}")),
    ],
)
def test_a_host_that_cannot_be_monitored_is_told_of(release: tuple[int, int], answer: Answer) -> None:
    assert list(im_dialect(release).messages(answer)) == [HostFailed(3, 0, "Could not monitor host host01.")]


def test_a_failure_s_text_and_log_lines_are_unpacked() -> None:
    dialect = im_dialect((6, 10))

    reply = dialect.decode(START, Answer("START_MONITOR", "FAILURE", 3, f"1795328184 {pack('no route')}"))

    assert reply.info == "no route"
    assert dialect.decode_log(LogLine("E", 3, f"1795328184 {pack('no ssh')}")).text == "no ssh"
    assert dialect.decode_log(LogLine("E", 3, pack("no ssh"))).text == "no ssh"
    assert dialect.decode_log(LogLine("E", 3, "plain text")).text == "plain text"


def test_guests_in_a_report_of_4_x_are_states_and_figures() -> None:
    text = (
        'VM_POLL=YES\nVM=[ID=7, DEPLOY_ID=one-7, POLL="STATE=a USEDCPU=17 USEDMEMORY=121896"]\n'
        'VM=[ID=-1, DEPLOY_ID=wild, IMPORT_TEMPLATE="Zm9v"]\n'
    )
    payload = __import__("base64").b64encode(text.encode()).decode()

    states = im_dialect((4, 4)).messages(Answer("MONITOR", "SUCCESS", 3, payload))[2]

    assert isinstance(states, VmStates)
    assert states.sync
    assert [(vm.vm_id, vm.state) for vm in states.vms] == [(7, "RUNNING"), (-1, "UNKNOWN")]


def test_an_empty_answer_is_plain_success() -> None:
    assert list(im_dialect((6, 10)).messages(Answer("START_MONITOR", "SUCCESS", 3, "-"))) == []
    assert list(im_dialect((6, 10)).messages(Answer("START_MONITOR", "SUCCESS", 3, f"0 {pack('')}"))) == []


def test_a_host_name_with_a_blank_is_refused_where_it_cannot_be_sent() -> None:
    request = MonitorRequest("START_MONITOR", 3, "<HOST><NAME>a b</NAME></HOST>", "")
    with pytest.raises(DriverError, match="holds a blank"):
        im_dialect((4, 4)).encode(request)


def test_4_2_and_older_cannot_be_told_to_stop() -> None:
    with pytest.raises(DriverError, match="watch nothing by themselves"):
        im_dialect((3, 0)).encode(STOP)
