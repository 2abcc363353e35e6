from __future__ import annotations

import json
from pathlib import Path

from tests.cli.shell import Shell


def test_show_has_the_sections_of_the_original(cloud: Shell, disk: Path) -> None:
    cloud.make(f"oneimage create --name shown --path {disk} --wait")
    cloud.make("onevnet create --name shown --driver dummy --bridge br0 --ip 10.8.0.1 --size 9")
    vm_id = cloud.make(
        "onevm create --name shown --cpu 0.1 --memory 32 --disk shown --nic shown "
        "--attribute LABELS=front --wait --timeout 60"
    )

    text = cloud.ok("onevm show shown")

    assert text.startswith(f"VIRTUAL MACHINE {vm_id} INFORMATION\n")
    for line in (
        "STATE               : ACTIVE",
        "LCM_STATE           : RUNNING",
        "OWNER               : um-",
        'LABELS="front"',
    ):
        assert line in text.splitlines()
    assert "10.8.0.1" in text.partition("VM NICS")[2].partition("\n\n")[0]
    assert "shown" in text.partition("VM DISKS")[2].partition("\n\n")[0]
    assert "host0" in text.partition("VIRTUAL MACHINE HISTORY")[2].partition("\n\n")[0]
    assert "DISK=" not in text
    assert "DISK=" in cloud.ok("onevm show shown --all")


def test_a_vm_that_is_not_there_is_an_error(cloud: Shell) -> None:
    assert cloud.refused("onevm show 999999") == "onevm: Error getting virtual machine [999999]."


def test_a_name_of_two_vms_is_refused_with_their_ids(cloud: Shell) -> None:
    ids = [cloud.make("onevm create --name twin --cpu 0.1 --memory 32 --hold") for _ in range(2)]

    said = cloud.refused("onevm show twin")

    assert "2 have that name" in said
    assert all(f"{vm_id} of oneadmin" in said for vm_id in ids)
    cloud.ok(f"onevm terminate {ids[0]} {ids[1]}")


def test_several_vms_are_shown_one_after_the_other_and_as_a_pool_to_programs(cloud: Shell) -> None:
    ids = [cloud.make("onevm create --cpu 0.1 --memory 32 --hold") for _ in range(3)]

    text = cloud.ok(f"onevm show {ids[0]}..{ids[2]}")
    for vm_id in ids:
        assert f"VIRTUAL MACHINE {vm_id} INFORMATION" in text
    pool = cloud.document(f"onevm show {ids[0]},{ids[1]} {ids[2]}")["VM_POOL"]["VM"]
    assert [int(vm["ID"]) for vm in pool] == ids

    result = cloud.run(f"onevm show {ids[2]} 999999 --json")
    assert result.exit_code == 255
    assert "VM 999999: Error getting virtual machine [999999]." in result.stderr
    assert [int(vm["ID"]) for vm in json.loads(result.stdout)["VM_POOL"]["VM"]] == [ids[2]]
