"""VLANs that the core chooses: AUTOMATIC_VLAN_ID and AUTOMATIC_OUTER_VLAN_ID of networks."""

from __future__ import annotations

from typing import Final, Literal

from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import InternalError
from opennebula_core.model.numbers import whole_number
from opennebula_core.model.objects import Network
from opennebula_core.model.vlans import automatic_ids, free_id

_YES: Final = ("YES", "TRUE", "1")
_COLUMNS: Final = ("vlan_id", "outer_vlan_id")


def choose_vlans(tx: Transaction, network: Network) -> None:
    """Give a network the VLANs that it asks the core for; one that it names itself stays.

    :raises InternalError: none is free
    """
    for column in _COLUMNS:
        _choose(tx, network, column)


def _choose(tx: Transaction, network: Network, column: Literal["vlan_id", "outer_vlan_id"]) -> None:
    ids = automatic_ids(network.vn_mad, outer=column == "outer_vlan_id")
    is_asked = network.template.get(f"AUTOMATIC_{column.upper()}").upper() in _YES
    if ids is None or not is_asked or getattr(network, column):
        return
    rows = tx.query(f"SELECT DISTINCT {column} FROM network WHERE vn_mad = ?", (network.vn_mad,))
    taken = {number for (text,) in rows if (number := whole_number(text)) is not None}
    chosen = free_id(ids, network.id, taken)
    if chosen is None:
        raise InternalError(
            f"Cannot choose {column.upper()}: networks of {network.vn_mad} have all; name one to share"
        )
    setattr(network, column, str(chosen))
    setattr(network, f"{column}_automatic", True)
