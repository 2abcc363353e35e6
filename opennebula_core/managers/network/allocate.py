"""Making a network from a template text, of the caller or of a network template."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from opennebula_core.contracts.method import Session
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import InternalError
from opennebula_core.managers.network.groups import check_groups, groups_named
from opennebula_core.managers.network.ranges import new_range
from opennebula_core.managers.network.vlans import choose_vlans
from opennebula_core.managers.objects import require_text
from opennebula_core.managers.ownership import owned_by
from opennebula_core.model.numbers import whole_number
from opennebula_core.model.objects import Network
from opennebula_core.model.states import NetworkState
from opennebula_core.model.template import Template, Vector

DEFAULT_CLUSTER: Final = 0
_BRIDGE_TYPES: Final = {"ovswitch": "openvswitch", "ovswitch_vxlan": "openvswitch"}
_MAKES_BRIDGE: Final = frozenset(
    {"bridge", "fw", "ebtables", "802.1q", "802.1Q", "vxlan", "ovswitch", "ovswitch_vxlan"}
)
_INTERFACE: Final = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._][A-Za-z0-9._-]{0,14}")
_MAX_VLAN: Final = (1 << 24) - 1
"""Of VXLAN; 802.1Q has 4,095, which its driver knows."""


def allocate_network(
    tx: Transaction,
    session: Session,
    template: Template,
    cluster_ids: Sequence[int],
    mac_prefix: str,
    granted: Collection[int] = (),
) -> int:
    """Make a network of the caller's, with the address ranges that the template describes; return its id.

    :param template: is changed
    :param granted: security groups that it may name though the caller may not use them
    :raises InternalError: an attribute is missing or wrong
    """
    check_groups(tx, session, groups_named(template), set(granted))
    network = _new_network(tx, session, template)
    network.cluster_ids = list(cluster_ids)
    vectors = [Vector(vector) for vector in template.remove("AR") if isinstance(vector, Vector)]
    tx.networks.allocate(network)
    for vector in vectors:
        tx.networks.add_range(network.id, new_range(vector, mac_prefix, network.id))
    return network.id


def _new_network(tx: Transaction, session: Session, template: Template) -> Network:
    name = require_text("NAME", template.take("NAME"))
    vn_mad = template.get("VN_MAD")
    if not vn_mad:
        raise InternalError("No VN_MAD in template for Virtual Network.")
    network_id = tx.next_id("network")
    bridge = template.get("BRIDGE")
    if not bridge:
        if vn_mad not in _MAKES_BRIDGE:
            raise InternalError("No BRIDGE in template for Virtual Network.")
        bridge = f"onebr{network_id}"
    network = Network(
        id=network_id,
        name=name,
        **owned_by(session),
        template=template,
        bridge=bridge,
        bridge_type=template.get("BRIDGE_TYPE")
        or _BRIDGE_TYPES.get(vn_mad, "linux" if vn_mad != "dummy" else "none"),
        state=NetworkState.READY,
        prev_state=NetworkState.INIT,
        vn_mad=vn_mad,
        phydev=template.get("PHYDEV"),
        vlan_id=template.get("VLAN_ID"),
        outer_vlan_id=template.get("OUTER_VLAN_ID"),
    )
    check_wires(network)
    choose_vlans(tx, network)
    for attribute, value in (
        ("BRIDGE", bridge),
        ("BRIDGE_TYPE", network.bridge_type),
        ("OUTER_VLAN_ID", network.outer_vlan_id),
        ("PHYDEV", network.phydev),
        ("VLAN_ID", network.vlan_id),
    ):
        template.set(attribute, value)
    if not template.get("SECURITY_GROUPS"):
        template.set("SECURITY_GROUPS", "0")
    return network


def check_wires(network: Network) -> None:
    """Refuse what is no name of a network interface, and no VLAN: it ends up in commands on hosts.

    Source: Linux, IFNAMSIZ and dev_valid_name.
    """
    for what, name in (("BRIDGE", network.bridge), ("PHYDEV", network.phydev)):
        if name and not _INTERFACE.fullmatch(name):
            raise InternalError(f"Wrong {what} {name!r}: use up to 15 letters, digits, '.', '_' or '-'")
    for what, text in (("VLAN_ID", network.vlan_id), ("OUTER_VLAN_ID", network.outer_vlan_id)):
        if text and whole_number(text, _MAX_VLAN) is None:
            raise InternalError(f"Wrong {what} {text!r}: use a number from 0 to {_MAX_VLAN}")
