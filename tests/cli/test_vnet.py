from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.cli.shell import Shell


@pytest.fixture
def network(cloud: Shell, fresh_name: Callable[[str], str]) -> str:
    """The name of a network with four addresses from 10.7.0.1 on."""
    name = fresh_name("net")
    cloud.make(f"onevnet create --name {name} --driver dummy --bridge br0 --ip 10.7.0.1 --size 4")
    return name


def ranges(cloud: Shell, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cloud.document(f"onevnet show {name}")["VNET"]["AR_POOL"]["AR"]
    return found


def test_a_network_is_listed_in_the_originals_columns(cloud: Shell, network: str) -> None:
    header, row = cloud.ok(f"onevnet list -f NAME={network}").splitlines()

    assert header.split() == ["ID", "USER", "GROUP", "NAME", "CLUSTERS", "BRIDGE", "STATE", "LEASES"]
    assert row.split()[3:] == [network, "0", "br0", "rdy", "0"]


def test_a_network_is_made_from_a_template(cloud: Shell, fresh_name: Callable[[str], str]) -> None:
    name = fresh_name("net")
    text = f'NAME = "{name}"\nVN_MAD = dummy\nBRIDGE = br1\nAR = [ TYPE = IP4, IP = 10.6.0.1, SIZE = 2 ]\n'
    cloud.make("onevnet create", stdin=text)

    assert "10.6.0.1" in cloud.ok(f"onevnet show {name}")


def test_ranges_are_added_changed_and_removed(cloud: Shell, network: str) -> None:
    cloud.ok(f"onevnet addar {network} --ip 10.7.1.1 --size 8")
    assert [item["IP"] for item in ranges(cloud, network)] == ["10.7.0.1", "10.7.1.1"]

    cloud.ok(f"onevnet updatear {network} 1 --size 9 --attribute GATEWAY=10.7.1.254")
    assert (ranges(cloud, network)[1]["SIZE"], ranges(cloud, network)[1]["GATEWAY"]) == ("9", "10.7.1.254")

    cloud.ok(f"onevnet rmar {network} 1")
    assert [item["AR_ID"] for item in ranges(cloud, network)] == ["0"]


def test_addresses_are_held_and_released(cloud: Shell, network: str) -> None:
    cloud.ok(f"onevnet hold {network} 10.7.0.2")
    assert "held" in cloud.ok(f"onevnet show {network}").partition("LEASES\nOWNER")[2]
    cloud.ok(f"onevnet release {network} 10.7.0.2")
    cloud.ok(f"onevnet hold {network} 02:00:0a:07:00:01")

    assert cloud.rows(f"onevnet list -f NAME={network} -l LEASES") == [["1"]]
    assert "leases in use" in cloud.refused(f"onevnet delete {network}")
    cloud.ok(f"onevnet release {network} 02:00:0a:07:00:01")
    cloud.ok(f"onevnet delete {network}")


def test_a_network_is_renamed_updated_and_shared(cloud: Shell, network: str) -> None:
    cloud.ok(f"onevnet update {network} --append", "-", stdin='DNS = "10.7.0.53"\n')
    cloud.ok(f"onevnet chmod {network} 644")
    cloud.ok(f"onevnet rename {network} {network}-new")

    text = cloud.ok(f"onevnet show {network}-new")
    assert 'DNS="10.7.0.53"' in text
    assert "OTHER               : u--" in text


def test_a_part_of_a_network_is_reserved_and_given_back(
    cloud: Shell, network: str, fresh_name: Callable[[str], str]
) -> None:
    name = fresh_name("reserved")
    reservation_id = cloud.make(f"onevnet reserve {network} --name {name} --size 2 --ip 10.7.0.2")
    assert [(item["IP"], item["SIZE"]) for item in ranges(cloud, name)] == [("10.7.0.2", "2")]
    assert f"NET:{reservation_id}" in cloud.ok(f"onevnet show {network}")
    assert cloud.make(f"onevnet reserve {network} --to {name} --size 1 --range 0") == reservation_id
    assert "in a row" in cloud.refused(f"onevnet reserve {network} --to {name} --size 2")
    cloud.ok(f"onevnet delete {name}")
    assert cloud.rows(f"onevnet list -l LEASES -f NAME={network}") == [["0"]]
