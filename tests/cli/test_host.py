from __future__ import annotations

from collections.abc import Callable

from tests.cli.shell import Shell, wait_until


def test_hosts_are_listed_in_the_originals_columns(cloud: Shell) -> None:
    header, *rows = cloud.ok("onehost list").splitlines()

    assert header.split() == ["ID", "NAME", "CLUSTER", "TVM", "ALLOCATED_CPU", "ALLOCATED_MEM", "STAT"]
    assert {row.split()[1] for row in rows} >= {"host01", "host02"}


def test_a_new_host_is_found_by_its_name_and_goes(cloud: Shell, fresh_name: Callable[[str], str]) -> None:
    name = fresh_name("host")
    host_id = cloud.make(f"onehost create {name} --im dummy --vm dummy")

    assert cloud.document(f"onehost show {name}")["HOST"]["ID"] == str(host_id)
    cloud.ok(f"onehost delete {name}")
    assert name not in cloud.ok("onehost list")


def test_hosts_are_disabled_taken_offline_and_enabled(cloud: Shell, fresh_name: Callable[[str], str]) -> None:
    name = fresh_name("host")
    cloud.make(f"onehost create {name} -i dummy -v dummy")

    cloud.ok(f"onehost disable {name}")
    assert cloud.rows(f"onehost list -f NAME={name} -l STAT") == [["dsbl"]]
    cloud.ok(f"onehost offline {name}")
    assert cloud.rows(f"onehost list -f NAME={name},STATE=OFFLINE -l STAT") == [["off"]]
    cloud.ok(f"onehost enable {name}")
    assert cloud.rows(f"onehost list -f NAME={name} -l STAT")[0][0] in ("init", "on")
    cloud.ok(f"onehost delete {name}")


def test_show_says_what_a_host_has_and_gives(cloud: Shell) -> None:
    text = cloud.ok("onehost show host01")

    assert text.startswith("HOST 0 INFORMATION\n")
    for word in ("STATE               : MONITORED", "ALLOCATED MEMORY", "REAL CPU", 'HYPERVISOR="dummy"'):
        assert word in text


def test_a_host_is_renamed_and_updated(cloud: Shell, fresh_name: Callable[[str], str]) -> None:
    old, new = fresh_name("host"), fresh_name("host")
    cloud.make(f"onehost create {old} -i dummy -v dummy")

    cloud.ok(f"onehost rename {old} {new}")
    cloud.ok(f"onehost update {new} --append -", stdin='RACK = "7"\n')

    assert cloud.document(f"onehost show {new}")["HOST"]["TEMPLATE"]["RACK"] == "7"
    cloud.ok(f"onehost delete {new}")


def test_a_host_goes_into_the_cluster_that_is_named(cloud: Shell, fresh_name: Callable[[str], str]) -> None:
    name, cluster = fresh_name("host"), fresh_name("cluster")
    cloud.make(f"onecluster create {cluster}")
    cloud.make(f"onehost create {name} -i dummy -v dummy -c {cluster}")

    assert cloud.rows(f"onehost list -f NAME={name} -l CLUSTER") == [[cluster]]
    cloud.ok(f"onehost delete {name}")


def test_top_draws_once_when_asked(cloud: Shell) -> None:
    assert "host01" in cloud.ok("onehost top --once")


def test_a_misspelt_driver_is_told_at_once_and_the_host_says_why_it_does_not_work(
    cloud: Shell, fresh_name: Callable[[str], str]
) -> None:
    name = fresh_name("host")
    result = cloud.run(f"onehost create {name} -i dummy -v dumy")

    assert result.exit_code == 0
    assert "onehost: warning: no driver 'dumy' in opennebula.vmm: installed are dummy" in result.stderr
    assert "did you mean 'dummy'?" in result.stderr
    wait_until(lambda: cloud.rows(f"onehost list -f NAME={name} -l STAT") == [["err"]])
    assert "no driver 'dumy'" in cloud.ok(f"onehost list -f NAME={name} -l ERROR")
    cloud.ok(f"onehost delete {name}")


def test_a_host_is_flushed_for_the_scheduler_to_move_its_vms(
    cloud: Shell, fresh_name: Callable[[str], str]
) -> None:
    name, vm = fresh_name("host"), fresh_name("vm")
    cloud.make(f"onehost create {name} -i dummy -v dummy")
    wait_until(lambda: cloud.rows(f"onehost list -f NAME={name} -l STAT") == [["on"]])
    vm_id = cloud.make(
        f"onevm create --name {vm} --cpu 0.1 --memory 16 --wait --attribute",
        f'SCHED_REQUIREMENTS=NAME="{name}"',
    )
    off_id = cloud.make(
        "onevm create --cpu 0.1 --memory 16 --wait --attribute", f'SCHED_REQUIREMENTS=NAME="{name}"'
    )
    cloud.ok(f"onevm poweroff {off_id} --wait")
    asleep_id = cloud.make(
        "onevm create --cpu 0.1 --memory 16 --wait --attribute", f'SCHED_REQUIREMENTS=NAME="{name}"'
    )
    cloud.ok(f"onevm suspend {asleep_id} --wait")

    said = cloud.run(f"onehost flush {name}")

    assert said.exit_code == 0
    assert f"not moved: VM {asleep_id} (SUSPENDED);" in said.stderr
    assert cloud.rows(f"onehost list -f NAME={name} -l STAT") == [["dsbl"]]
    for moved in (vm_id, off_id):
        assert cloud.document(f"onevm show {moved}")["VM"]["RESCHED"] == "1"
    cloud.ok(f"onevm terminate --hard --wait {vm_id},{off_id},{asleep_id}")
    cloud.ok(f"onehost delete {name}")


def test_comma_separated_values_of_hosts_are_numbers(cloud: Shell) -> None:
    for row in cloud.rows("onehost list -l ALLOCATED_CPU,MAX_CPU,ALLOCATED_MEM,MAX_MEM -f NAME~host0"):
        assert all(cell.isdigit() for cell in row), row
