from __future__ import annotations

from opennebula_core.contracts.im import DatastoreReport, GuestReport, HostReport
from opennebula_core.contracts.vmm import GuestState
from opennebula_core.wire.framing import Answer, parse_answer
from opennebula_core.wire.monitoring import VmMetrics, VmStates, parse_attributes, parse_bundle, parse_message
from opennebula_core.wire.monitoring.writing import (
    GUESTS_PER_MESSAGE,
    bundle,
    message,
    metrics_texts,
    states_text,
    system_text,
)

MAX_DATAGRAM_BYTES = 65507


def guests(count: int) -> tuple[GuestReport, ...]:
    return tuple(
        GuestReport(vm_id, f"one-{vm_id}", GuestState.RUNNING, 1.5 * vm_id, vm_id * 1024, vm_id * 77_777)
        for vm_id in range(count)
    )


def report(**changes: object) -> HostReport:
    values: dict[str, object] = {
        "total_cpu_percent": 800,
        "used_cpu_percent": 900,
        "total_memory_kib": 16_000,
        "used_memory_kib": 4_000,
    }
    return HostReport(**{**values, **changes})  # type: ignore[arg-type]  # a table of fields


def test_a_host_that_uses_more_than_it_has_has_nothing_free() -> None:
    capacity = parse_bundle(3, bundle(report(), 5))[1]

    assert capacity.timestamp == 5
    assert capacity.attributes.get("FREECPU") == "0"  # type: ignore[union-attr]  # its kind is tested elsewhere


def test_datastores_and_any_attribute_are_the_system_s() -> None:
    text = system_text(
        report(
            attributes=(("RACK", 'the "left" one'),),
            datastores=(DatastoreReport(100, 50, 20, 30),),
            disk_total_mib=50,
            disk_used_mib=20,
            disk_free_mib=30,
        )
    )

    template = parse_attributes(text)
    assert template.get("RACK") == 'the "left" one'
    assert template.vector("DS") == {"ID": "100", "TOTAL_MB": "50", "USED_MB": "20", "FREE_MB": "30"}
    assert template.get("DS_LOCATION_FREE_MB") == "30"


def test_figures_of_many_guests_fit_datagrams() -> None:
    texts = list(metrics_texts(guests(2 * GUESTS_PER_MESSAGE + 1)))

    assert len(texts) == 3
    assert all(len(message("MONITOR_VM", 3, 0, text)) < MAX_DATAGRAM_BYTES for text in texts)


def test_no_guests_need_no_figures() -> None:
    assert list(metrics_texts(())) == []


def test_vanished_guests_are_powered_off() -> None:
    line = message("STATE_VM", 3, 9, states_text(guests(1), sync=False, vanished=guests(2)[1:]))
    answer = parse_answer(line)
    assert isinstance(answer, Answer)

    states = parse_message(answer)[0]

    assert isinstance(states, VmStates)
    assert not states.sync
    assert [(vm.vm_id, vm.state) for vm in states.vms] == [(0, "RUNNING"), (1, "POWEROFF")]


def test_a_bundle_of_many_guests_is_read_again() -> None:
    messages = parse_bundle(3, bundle(report(guests=guests(250)), 5))

    samples = [sample for each in messages if isinstance(each, VmMetrics) for sample in each.samples]
    assert [sample.vm_id for sample in samples] == list(range(250))
