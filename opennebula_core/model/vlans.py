"""VLANs that networks get by themselves: which numbers there are, and which of them is free.

Source: VLAN_IDS and VXLAN_IDS of OpenNebula 6.10's configuration.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain
from typing import Final

VLAN_IDS: Final = range(2, 4095)
"""Of IEEE 802.1Q: 0, 1 and 4095 are reserved."""
VXLAN_IDS: Final = range(2, 1 << 24)
_INNER: Final = {
    "802.1Q": VLAN_IDS,
    "802.1q": VLAN_IDS,
    "ovswitch": VLAN_IDS,
    "ovswitch_vxlan": VLAN_IDS,
    "vxlan": VXLAN_IDS,
}
_OUTER: Final = {"802.1Q": VLAN_IDS, "802.1q": VLAN_IDS, "ovswitch_vxlan": VXLAN_IDS}


def automatic_ids(vn_mad: str, *, outer: bool) -> range | None:
    """Return the numbers that networks of a driver get, None when the driver has no such VLANs."""
    return (_OUTER if outer else _INNER).get(vn_mad)


def free_id(ids: range, network_id: int, taken: Collection[int]) -> int | None:
    """Return a number that nobody has, None when all are taken.

    :param network_id: says where to begin: the number of a network that is gone is not used again at once
    """
    begin = ids.start + network_id % len(ids)
    return next((number for number in chain(range(begin, ids.stop), ids) if number not in taken), None)
