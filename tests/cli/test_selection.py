from __future__ import annotations

from collections.abc import Callable

from tests.cli.shell import Shell


def test_a_near_miss_is_pointed_out(cloud: Shell) -> None:
    assert "did you mean 'host01'?" in cloud.refused("onehost show hots01")


def test_an_unknown_name_says_which_there_are(cloud: Shell) -> None:
    assert "there are default, files, system" in cloud.refused("onedatastore show x")


def test_a_name_with_a_comma_is_one_name(cloud: Shell, fresh_name: Callable[[str], str]) -> None:
    name = fresh_name("a,b")
    vm_id = cloud.make("onevm create --cpu 0.1 --memory 32 --hold", "--name", name)

    cloud.ok(f"onevm terminate {name}")

    assert cloud.document(f"onevm show {vm_id}")["VM"]["STATE"] == "6"


def test_ids_ranges_and_names_may_be_mixed(cloud: Shell, fresh_name: Callable[[str], str]) -> None:
    name = fresh_name("vm")
    ids = [cloud.make(f"onevm create --cpu 0.1 --memory 32 --hold --name {name}-{i}") for i in range(4)]

    cloud.ok(f"onevm terminate {ids[0]},{name}-1 {ids[2]}..{ids[3]}")

    assert cloud.rows(f"onevm list -f NAME~^{name}-") == []


def test_an_upside_down_range_is_wrong_usage(cloud: Shell) -> None:
    assert "FIRST..LAST" in cloud.misused("onevm terminate 9..1")


def test_ids_need_no_listing_of_the_pool(cloud: Shell) -> None:
    said = cloud.refused("onevm terminate 900001..900003")

    assert said.count("Error getting virtual machine") == 3


def test_of_several_it_is_told_how_many_succeeded(cloud: Shell) -> None:
    ids = [cloud.make("onevm create --cpu 0.1 --memory 32 --hold") for _ in range(2)]

    result = cloud.run(f"onevm release {ids[0]},900001,{ids[1]}")
    assert result.exit_code == 255
    assert f"onevm release: done for 2 of 3 VMs: {ids[0]}, {ids[1]}\n" in result.stderr

    result = cloud.run(f"onevm lock {ids[0]}..{ids[1]}")
    assert (result.exit_code, result.stderr) == (0, "onevm lock: done for 2 of 2 VMs\n")
