from __future__ import annotations

from tests.cli.shell import Shell, wait_until


def test_the_figures_of_a_host_are_printed(cloud: Shell) -> None:
    wait_until(lambda: len(cloud.ok("onehost monitoring host01").splitlines()) > 1)
    header, row, *_ = cloud.ok("onehost monitoring host01").splitlines()

    assert header.split() == ["TIME", "USED_CPU", "FREE_CPU", "USED_MEMORY", "FREE_MEMORY", "NETRX", "NETTX"]
    assert len(row.split()) == 8  # a moment is two words


def test_figures_are_chosen_and_limited_in_time(cloud: Shell) -> None:
    wait_until(lambda: len(cloud.ok("onehost monitoring host01").splitlines()) > 1)
    header, *rows = cloud.ok("onehost monitoring host01 free_cpu --csv").splitlines()

    assert header == "TIME,FREE_CPU"
    assert all(row.partition(",")[2].replace(".", "").isdigit() for row in rows)
    assert cloud.ok("onehost monitoring host01 --csv --end 2001-01-01").splitlines()[1:] == []
    assert cloud.document("onehost monitoring host01")["MONITORING_DATA"]["MONITORING"]


def test_a_figure_that_was_never_measured_is_wrong_usage(cloud: Shell) -> None:
    wait_until(lambda: len(cloud.ok("onehost monitoring host01").splitlines()) > 1)

    assert "no figure 'LOAD'; there are" in cloud.misused("onehost monitoring host01 LOAD")


def test_the_figures_of_a_vm_are_printed(cloud: Shell) -> None:
    vm_id = cloud.make("onevm create --cpu 0.1 --memory 16 --hold")

    assert cloud.ok(f"onevm monitoring {vm_id}").split()[:3] == ["TIME", "CPU", "MEMORY"]


def test_figures_are_drawn_over_time(cloud: Shell) -> None:
    wait_until(lambda: len(cloud.ok("onehost monitoring host01").splitlines()) > 1)
    lines = cloud.ok("onehost monitoring host01 free_cpu used_cpu --plot").splitlines()

    assert [line for line in lines if line in ("FREE_CPU", "USED_CPU")] == ["FREE_CPU", "USED_CPU"]
    assert sum("*" in line for line in lines) >= 2
    assert "--plot and --json exclude each other" in cloud.misused("onehost monitoring host01 --plot --json")
