from __future__ import annotations

import pytest

from opennebula_core.model.vlans import VLAN_IDS, automatic_ids, free_id


@pytest.mark.parametrize(
    ("network_id", "taken", "expected"),
    [
        (0, (), 2),
        (7, (), 9),
        (7, (9, 10), 11),
        (len(VLAN_IDS), (), 2),
        (len(VLAN_IDS) - 1, (4094,), 2),
        (5, VLAN_IDS, None),
    ],
)
def test_a_network_gets_the_first_free_vlan_from_its_own_number_on(
    network_id: int, taken: tuple[int, ...], expected: int | None
) -> None:
    assert free_id(VLAN_IDS, network_id, taken) == expected


def test_drivers_without_vlans_get_none() -> None:
    assert automatic_ids("bridge", outer=False) is None
    assert automatic_ids("vxlan", outer=True) is None
    assert automatic_ids("802.1Q", outer=True) == VLAN_IDS
