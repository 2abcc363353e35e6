from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.shell import Shell


@pytest.fixture
def vdc(cloud: Shell, fresh_name: Callable[[str], str]) -> str:
    """The name of a virtual data centre."""
    name = fresh_name("research")
    cloud.make(f"onevdc create --name {name}")
    return name


def row(cloud: Shell, vdc: str, columns: str) -> list[str]:
    """Return cells of a VDC's row."""
    return cloud.ok(f"onevdc list -f NAME={vdc} --no-header -l {columns}").split()


def test_groups_and_resources_come_and_go(cloud: Shell, vdc: str, fresh_name: Callable[[str], str]) -> None:
    first, second = fresh_name("group"), fresh_name("group")
    ids = [cloud.make(f"onegroup create {name}") for name in (first, second)]
    for line in (
        f"addgroup {vdc} {first} {second}",
        f"addcluster {vdc} OpenNebula default",
        f"addhost {vdc} 0 host01 host02",
        f"adddatastore {vdc} 0 system default",
        f"addvnet {vdc} 0 ALL",
    ):
        cloud.ok(f"onevdc {line}")

    header, _ = cloud.ok(f"onevdc list -f NAME={vdc}").splitlines()
    assert header.split() == ["ID", "NAME", "GROUPS", "CLUSTERS", "HOSTS", "VNETS", "DATASTORES"]
    groups = ",".join(map(str, ids))
    assert row(cloud, vdc, "GROUPS,CLUSTERS,HOSTS,VNETS,DATASTORES") == [
        groups, "0:0", "0:0,0:1", "0:ALL", "0:0,0:1",
    ]  # fmt: skip
    assert groups in cloud.ok(f"onevdc show {vdc}")
    assert vdc in cloud.ok(f"onegroup show {first}").partition("VDCS")[2].splitlines()[0]
    cloud.ok(f"onevdc delhost {vdc} 0 host01")
    cloud.ok(f"onevdc delvnet {vdc} 0 ALL")
    cloud.ok(f"onevdc delgroup {vdc} {second}")
    assert row(cloud, vdc, "GROUPS,HOSTS,VNETS") == [str(ids[0]), "0:1", "-"]
    assert "is not assigned to the VDC" in cloud.refused(f"onevdc delhost {vdc} 0 host01")


def test_a_vdc_is_made_from_a_template_changed_and_removed(
    cloud: Shell, fresh_name: Callable[[str], str]
) -> None:
    name = fresh_name("file")
    cloud.make("onevdc create", "-", stdin=f'NAME = {name}\nDESCRIPTION = "a red one"\n')
    cloud.ok(f"onevdc update {name} --append", "-", stdin="COLOUR = red\n")
    cloud.ok(f"onevdc rename {name} {name}-2")

    template = cloud.document(f"onevdc show {name}-2")["VDC"]["TEMPLATE"]
    assert template == {"COLOUR": "red", "DESCRIPTION": "a red one"}
    cloud.ok(f"onevdc delete {name}-2")
    assert "[4]" in cloud.refused("onevdc delete 4")
    assert "System VDCs" in cloud.refused("onevdc delete default")
