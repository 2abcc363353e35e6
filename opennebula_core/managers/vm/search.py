"""Listings of VMs by what they hold: ``NAME=web&TEMPLATE.NIC.IP=10.0.0.7``, looked up by the database.

Keys are the paths of a VM's document, with or without ``VM.`` in front. Source: the last parameter of
``one.vmpool.info`` of OpenNebula 6.10, which only its MySQL backend understands.
"""

from __future__ import annotations

import re
from typing import Final

from opennebula_core.db.listing import Selection
from opennebula_core.errors import ParameterError

MAX_CONDITIONS: Final = 16

_COLUMNS: Final = frozenset(
    """id name uid gid uname gname state lcm_state prev_state prev_lcm_state resched stime etime
    deploy_id""".upper().split()
)
_TEMPLATES: Final = {"TEMPLATE": "template", "USER_TEMPLATE": "user_template"}
_RECORD: Final = {
    "HID": "host_id", "HOSTNAME": "hostname", "CID": "cluster_id", "DS_ID": "datastore_id",
    "VM_MAD": "vm_mad", "TM_MAD": "tm_mad", "SEQ": "seq", "ACTION": "action",
}  # fmt: skip
_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")


def searched(selection: Selection, query: str) -> Selection:
    """Return the selection narrowed to the VMs that meet all conditions of a query; an empty one has none.

    :raises ParameterError: a condition is none, or is about something that cannot be searched
    """
    conditions = query.split("&") if query else []
    if len(conditions) > MAX_CONDITIONS:
        raise ParameterError(f"Wrong query: it has {len(conditions)} conditions; use up to {MAX_CONDITIONS}")
    for condition in conditions:
        key, equals, value = condition.partition("=")
        path = key.strip().upper().removeprefix("VM.").split(".")
        if not equals or not all(map(_NAME.fullmatch, path)):
            raise ParameterError(
                f"Wrong query {condition[:80]!r}; use KEY=VALUE, as in TEMPLATE.NIC.IP=10.0.0.7"
            )
        selection = selection.and_(_condition(path), value)
    return selection


def _condition(path: list[str]) -> str:
    """Return the SQL condition with one mark for the value; the path's parts are names and no more."""
    match path:
        case [column] if column in _COLUMNS:
            return f"CAST(vm.{column.lower()} AS TEXT) = ?"
        case [template, name] if template in _TEMPLATES:
            return _held(_TEMPLATES[template], name, "held.value")
        case [template, name, key] if template in _TEMPLATES:
            inner = f"""CASE held.type WHEN 'object' THEN json_extract(held.value, '$."{key}"') END"""
            return _held(_TEMPLATES[template], name, inner)
        case ["HISTORY_RECORDS", "HISTORY", field] if field in _RECORD:
            return (
                "EXISTS (SELECT 1 FROM history AS stay WHERE stay.vm_id = vm.id "
                f"AND CAST(stay.{_RECORD[field]} AS TEXT) = ?)"
            )
        case _:
            raise ParameterError(
                f"Wrong query: {'.'.join(path)[:80]!r} cannot be searched; use a key of the VM such as NAME, "
                f"TEMPLATE.x, TEMPLATE.x.y, USER_TEMPLATE.x or HISTORY_RECORDS.HISTORY.HOSTNAME"
            )


def _held(column: str, name: str, value: str) -> str:
    return f"""EXISTS (SELECT 1 FROM json_each(vm.{column}, '$."{name}"') AS held WHERE {value} = ?)"""
