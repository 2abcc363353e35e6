"""Monitoring messages: the values they carry, how they travel, and who receives them."""

from __future__ import annotations

from opennebula_core.wire.monitoring.attributes import parse_attributes, render_attributes
from opennebula_core.wire.monitoring.listener import MonitorListener
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
from opennebula_core.wire.monitoring.packing import pack, unpack
from opennebula_core.wire.monitoring.reading import parse_bundle, parse_message, parse_poll, parse_report

__all__ = [
    "HostBeacon",
    "HostCapacity",
    "HostFailed",
    "HostSystem",
    "MonitorListener",
    "MonitorMessage",
    "VmFound",
    "VmMetrics",
    "VmSample",
    "VmStates",
    "pack",
    "parse_attributes",
    "parse_bundle",
    "parse_message",
    "parse_poll",
    "parse_report",
    "render_attributes",
    "unpack",
]
