"""From what information drivers of three eras send to the values of :mod:`.messages`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from opennebula_core.contracts.vmm import GuestState
from opennebula_core.model.elements import parse_element
from opennebula_core.model.template import Template, Vector
from opennebula_core.wire.framing import Answer
from opennebula_core.wire.monitoring.attributes import parse_attributes
from opennebula_core.wire.monitoring.messages import (
    HostBeacon,
    HostCapacity,
    HostFailed,
    HostSystem,
    MonitorMessage,
    VmFound,
    VmMetrics,
    VmSample,
    VmStates,
)
from opennebula_core.wire.monitoring.packing import decode_base64, unpack

POLL_STATES: Final[Mapping[str, GuestState]] = {
    "a": GuestState.RUNNING,
    "p": GuestState.SUSPENDED,
    "e": GuestState.FAILURE,
    "d": GuestState.POWEROFF,
}
"""The letters of POLL; any other is UNKNOWN. Source: OpenNebula 4.14."""

OLD_SAMPLE_NAMES: Final = {"USEDCPU": "CPU", "USEDMEMORY": "MEMORY"}
"""What POLL called them up to 4.x."""

CAPACITY_NAMES: Final = frozenset({"USEDCPU", "FREECPU", "USEDMEMORY", "FREEMEMORY", "NETRX", "NETTX"})
"""In a report that holds everything, what belongs to the moment; the rest is the system's."""

GUEST_NAMES: Final = frozenset({"VM", "VM_POLL"})


def parse_message(answer: Answer) -> list[MonitorMessage]:
    """Return the values in a message of 5.12 and later; none when its type is not known.

    :raises DriverError: its payload is damaged
    """
    reader = _READERS.get(answer.action)
    if reader is None:
        return []
    words = answer.info.split()
    payload = unpack(words[-1]) if words else ""
    timestamp = int(words[0]) if len(words) > 1 and words[0].isdecimal() else 0
    if not answer.success:
        return [HostFailed(answer.object_id, timestamp, payload.strip())]
    return reader(answer.object_id, timestamp, payload)


def parse_bundle(host_id: int, document: str) -> list[MonitorMessage]:
    """Return the values in the answer to START_MONITOR, root MONITOR_MESSAGES; an empty one has none.

    :raises DriverError: it is no such document
    :raises XmlError: it is not well-formed
    """
    if not document.strip():
        return []
    root = parse_element(document.strip())
    stamp = root.findtext("TIMESTAMP", "0").strip()
    timestamp = int(stamp) if stamp.isdecimal() else 0
    messages: list[MonitorMessage] = []
    for child in root:
        if (reader := _READERS.get(child.tag)) and (child.text or "").strip():
            messages += reader(host_id, timestamp, decode_base64((child.text or "").strip()))
    return messages


def parse_report(host_id: int, text: str, *, words: bool = False) -> list[MonitorMessage]:
    """Return the values in a report of 1.2 to 5.10, which holds everything about the host in one text.

    :param words: see :func:`~.attributes.parse_attributes`
    """
    everything = parse_attributes(text, words=words)
    system, capacity = Template(), Template()
    for name, value in everything:
        if name not in GUEST_NAMES:
            (capacity if name in CAPACITY_NAMES else system).add(name, value)
    messages: list[MonitorMessage] = [HostSystem(host_id, 0, system), HostCapacity(host_id, 0, capacity)]
    guests = [(vector, parse_poll(vector.get("POLL", ""))) for vector in everything.vectors("VM")]
    if guests or everything.get("VM_POLL").upper() == "YES":
        found = tuple(_found(vector, state) for vector, (state, _) in guests)
        messages.append(VmStates(host_id, 0, found, sync=everything.get("VM_POLL").upper() == "YES"))
        samples = tuple(_sample(vector, sample) for vector, (_, sample) in guests if sample)
        messages.append(VmMetrics(host_id, 0, samples))
    return messages


def parse_poll(text: str) -> tuple[GuestState, Template]:
    """Return the state and the figures in the answer to POLL, in today's names."""
    template = parse_attributes(text, words=True)
    state = POLL_STATES.get(template.get("STATE").lower(), GuestState.UNKNOWN)
    return state, _renamed(template)


def _renamed(template: Template) -> Template:
    return Template((OLD_SAMPLE_NAMES.get(name, name), value) for name, value in template if name != "STATE")


def _beacon(host_id: int, timestamp: int, text: str) -> list[MonitorMessage]:
    return [HostBeacon(host_id, timestamp)]


def _system(host_id: int, timestamp: int, text: str) -> list[MonitorMessage]:
    return [HostSystem(host_id, timestamp, parse_attributes(text))]


def _capacity(host_id: int, timestamp: int, text: str) -> list[MonitorMessage]:
    return [HostCapacity(host_id, timestamp, parse_attributes(text))]


def _states(host_id: int, timestamp: int, text: str) -> list[MonitorMessage]:
    template = parse_attributes(text)
    found = tuple(_found(vector, _guest_state(vector.get("STATE", ""))) for vector in template.vectors("VM"))
    sync = template.get("SYNC_STATE").upper() in ("YES", "TRUE")
    missing = (
        _guest_state(template.get("MISSING_STATE")) if "MISSING_STATE" in template else GuestState.POWEROFF
    )
    return [VmStates(host_id, timestamp, found, sync, missing)]


def _metrics(host_id: int, timestamp: int, text: str) -> list[MonitorMessage]:
    samples = []
    for vector in parse_attributes(text).vectors("VM"):
        figures = parse_attributes(decode_base64(vector.get("MONITOR", "")))
        samples.append(_sample(vector, figures))
    return [VmMetrics(host_id, timestamp, tuple(samples))]


def _found(vector: Vector, state: GuestState) -> VmFound:
    return VmFound(_vm_id(vector), vector.get("DEPLOY_ID", ""), state)


def _sample(vector: Vector, figures: Template) -> VmSample:
    return VmSample(_vm_id(vector), vector.get("DEPLOY_ID", ""), figures)


def _vm_id(vector: Vector) -> int:
    try:
        return int(vector.get("ID", "-1"))
    except ValueError:
        return -1


def _guest_state(word: str) -> GuestState:
    try:
        return GuestState(word.upper())
    except ValueError:
        return GuestState.UNKNOWN


_READERS: Final[Mapping[str, Callable[[int, int, str], list[MonitorMessage]]]] = {
    "BEACON_HOST": _beacon,
    "SYSTEM_HOST": _system,
    "MONITOR_HOST": _capacity,
    "STATE_VM": _states,
    "MONITOR_VM": _metrics,
}
MESSAGE_TYPES: Final = frozenset(_READERS)
