from __future__ import annotations

import base64

import pytest

from opennebula_core.contracts.vmm import GuestState
from opennebula_core.errors import DriverError
from opennebula_core.model.template import Template
from opennebula_core.wire.framing import Answer
from opennebula_core.wire.monitoring import (
    HostBeacon,
    HostCapacity,
    HostFailed,
    HostSystem,
    VmFound,
    VmMetrics,
    VmStates,
    pack,
    parse_message,
    parse_poll,
    parse_report,
)


def message(type_: str, text: str, status: str = "SUCCESS") -> Answer:
    return Answer(type_, status, 3, f"1795328176 {pack(text)}")


def test_a_beacon_says_that_the_host_lives() -> None:
    assert parse_message(message("BEACON_HOST", "1795328176")) == [HostBeacon(3, 1795328176)]


def test_states_of_guests() -> None:
    text = (
        'VM=[ID="7", DEPLOY_ID="one-7", UUID="ab-cd", STATE="RUNNING"]\n'
        'VM=[ID="8", DEPLOY_ID="one-8", STATE="paused by hand"]\nVM=[DEPLOY_ID="wild", STATE="POWEROFF"]\n'
    )

    assert parse_message(message("STATE_VM", text)) == [
        VmStates(
            3,
            1795328176,
            (
                VmFound(7, "one-7", GuestState.RUNNING),
                VmFound(8, "one-8", GuestState.UNKNOWN),
                VmFound(-1, "wild", GuestState.POWEROFF),
            ),
        )
    ]


def test_a_complete_list_says_what_missing_guests_are() -> None:
    states = parse_message(message("STATE_VM", 'SYNC_STATE=yes\nMISSING_STATE="UNKNOWN"\n'))[0]

    assert isinstance(states, VmStates)
    assert states.sync
    assert states.missing is GuestState.UNKNOWN


def test_figures_of_guests_are_base64_within() -> None:
    figures = base64.b64encode(b"CPU=12.5\nMEMORY=1024\nDISK_SIZE=[ID=0, SIZE=71]\n").decode()

    metrics = parse_message(message("MONITOR_VM", f'VM=[ID="7", DEPLOY_ID="one-7", MONITOR="{figures}"]\n'))[
        0
    ]

    assert isinstance(metrics, VmMetrics)
    sample = metrics.samples[0]
    assert (sample.vm_id, sample.attributes.get("CPU")) == (7, "12.5")
    assert sample.attributes.vector("DISK_SIZE") == {"ID": "0", "SIZE": "71"}


def test_a_failure_tells_why() -> None:
    assert parse_message(message("MONITOR_HOST", "no route\n", "FAILURE")) == [
        HostFailed(3, 1795328176, "no route")
    ]


def test_the_time_may_be_missing() -> None:
    assert parse_message(Answer("BEACON_HOST", "SUCCESS", 3, pack("x"))) == [HostBeacon(3, 0)]
    assert parse_message(Answer("BEACON_HOST", "SUCCESS", 3, "")) == [HostBeacon(3, 0)]


def test_other_messages_say_nothing() -> None:
    assert parse_message(message("RAFT_STATUS", "SOLO")) == []


def test_a_damaged_message_is_refused() -> None:
    with pytest.raises(DriverError, match="read a monitoring message"):
        parse_message(Answer("MONITOR_HOST", "SUCCESS", 3, "179 rubbish!"))
    with pytest.raises(DriverError, match="read a monitoring message"):
        parse_message(message("MONITOR_VM", 'VM=[ID="7", MONITOR="!!"]'))


def test_a_report_of_everything_is_taken_apart() -> None:
    system, capacity = parse_report(3, "HYPERVISOR=dummy\nTOTALCPU=800\nUSEDCPU=567\nFREECPU=233\n")

    assert system == HostSystem(3, 0, Template([("HYPERVISOR", "dummy"), ("TOTALCPU", "800")]))
    assert capacity == HostCapacity(3, 0, Template([("USEDCPU", "567"), ("FREECPU", "233")]))


def test_a_report_that_polls_without_guests_says_that_there_are_none() -> None:
    states = parse_report(3, "TOTALCPU=800\nVM_POLL=YES\n")[2]

    assert states == VmStates(3, 0, (), sync=True)


@pytest.mark.parametrize(
    ("text", "state", "figures"),
    [
        ("STATE=a USEDMEMORY=131072", GuestState.RUNNING, [("MEMORY", "131072")]),
        ("STATE=a  USEDCPU=17 NETTX=100", GuestState.RUNNING, [("CPU", "17"), ("NETTX", "100")]),
        ("STATE=d", GuestState.POWEROFF, []),
        ("STATE=p", GuestState.SUSPENDED, []),
        ("STATE=e", GuestState.FAILURE, []),
        ("STATE=-", GuestState.UNKNOWN, []),
        ("STATE=c", GuestState.UNKNOWN, []),
        ("", GuestState.UNKNOWN, []),
        ("STATE=a CPU=63 DISK_SIZE=[ID=0, SIZE=71]", GuestState.RUNNING, None),
    ],
)
def test_answers_to_poll(text: str, state: GuestState, figures: list[tuple[str, str]] | None) -> None:
    found, template = parse_poll(text)

    assert found is state
    if figures is None:
        assert template.vector("DISK_SIZE") == {"ID": "0", "SIZE": "71"}
    else:
        assert list(template) == figures
