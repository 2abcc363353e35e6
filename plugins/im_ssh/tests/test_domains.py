from __future__ import annotations

import pytest

from opennebula_core.contracts.im import GuestReport
from opennebula_core.contracts.vmm import GuestState
from opennebula_core.errors import DriverError
from opennebula_im_ssh.answer import Answer
from opennebula_im_ssh.domains import MAX_DEVICES, Domain, parse_domains


def test_a_recorded_guest_of_the_cloud_has_its_figures(recorded: str) -> None:
    domains = parse_domains(Answer(recorded, "--mark").lines("domains"))
    assert domains[0].report(50.0) == GuestReport(
        vm_id=7,
        deploy_id="one-7",
        state=GuestState.RUNNING,
        cpu_percent=50.0,
        memory_kib=232884,
        net_rx_bytes=200,
        net_tx_bytes=0,
        disk_read_bytes=16171008,
        disk_write_bytes=12288,
        disk_read_ops=641,
        disk_write_ops=11,
        disk_sizes_mib=((0, 1),),
    )
    assert domains[0].cpu_time_ns == 5826590119


def test_a_recorded_guest_of_somebody_else_is_wild(recorded: str) -> None:
    report = parse_domains(Answer(recorded, "--mark").lines("domains"))[1].report(0.0)
    assert report is not None
    assert (report.vm_id, report.deploy_id) == (-1, "web server")
    assert report.state is GuestState.SUSPENDED
    assert report.disk_sizes_mib == ()


@pytest.mark.parametrize("name", ["one-07", "one--1", "one-7x", "one-", "One-7", "one-٣", "one-99999999999"])
def test_a_name_that_is_not_exactly_ours_is_wild(name: str) -> None:
    assert Domain(name, {}).vm_id == -1


def test_figures_of_all_cards_and_disks_are_added() -> None:
    domain = Domain("one-1", {"net.count": "2", "net.0.rx.bytes": "1", "net.1.rx.bytes": "10"})
    report = domain.report(0.0)
    assert report is not None
    assert report.net_rx_bytes == 11


def test_a_count_of_devices_that_is_a_lie_costs_nothing() -> None:
    domain = Domain("one-1", {"block.count": "9" * 20, f"block.{MAX_DEVICES}.rd.bytes": "5"})
    report = domain.report(0.0)
    assert report is not None
    assert report.disk_read_bytes == 0


def test_a_domain_that_moved_away_is_not_reported() -> None:
    assert Domain("one-1", {"state.state": "5", "state.reason": "4"}).report(0.0) is None


def test_a_probe_of_the_hypervisor_is_no_guest() -> None:
    assert parse_domains(["Domain: 'one-kvm-probe'", "  state.state=1"]) == []


def test_no_guests_are_an_empty_list() -> None:
    assert parse_domains([]) == []


@pytest.mark.parametrize(
    "lines",
    [
        ["  state.state=1"],
        ["error: something"],
        ["Domain: one-7", "  state.state=1"],
        ["Domain: 'one-7'", "noise"],
        ["Domain: 'one\x1b[2J'"],
        [f"Domain: '{'x' * 300}'"],
    ],
    ids=["no domain yet", "an error", "no quotes", "no figure", "control character", "long name"],
)
def test_what_virsh_does_not_write_is_refused(lines: list[str]) -> None:
    with pytest.raises(DriverError, match="neither a domain nor a figure of one"):
        parse_domains(lines)


def test_a_figure_that_is_no_number_is_refused() -> None:
    with pytest.raises(DriverError, match="is no number"):
        Domain("one-7", {"balloon.rss": "much"}).report(0.0)
