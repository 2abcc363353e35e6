"""Names of interfaces that may stand in commands on hosts."""

from __future__ import annotations

import re

from opennebula_core.errors import DriverError
from opennebula_core.model.template import Vector

INTERFACE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,14}")
"""Source: Linux, IFNAMSIZ; the rest of what the kernel allows has no place in a command."""


def interface_name(nic: Vector, attribute: str, *, is_optional: bool = False) -> str:
    """Return a NIC's attribute that names an interface, empty where that is allowed.

    :raises DriverError: it is no name of one
    """
    name = nic.get(attribute, "")
    if (name or not is_optional) and not INTERFACE_NAME.fullmatch(name):
        raise DriverError(
            f"NIC {nic.get('NIC_ID', '?')}: {attribute} {name!r} is no name of an interface; "
            f"correct it in network {nic.get('NETWORK_ID', '?')}"
        )
    return name
