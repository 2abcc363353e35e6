from __future__ import annotations

import time
from xml.etree.ElementTree import Element, fromstring

from opennebula_core.cli.doctor.findings import Level
from opennebula_core.cli.doctor.hosts import examine_hosts


def host(state: int, age_s: float = 0, error: str = "") -> Element:
    reason = f"<ERROR>{error}</ERROR>" if error else ""
    return fromstring(
        f"<HOST><ID>7</ID><NAME>node</NAME><STATE>{state}</STATE><TEMPLATE>{reason}</TEMPLATE>"
        f"<MONITORING><TIMESTAMP>{time.time() - age_s:.0f}</TIMESTAMP></MONITORING></HOST>"
    )


def levels(*hosts: Element) -> list[tuple[str, Level]]:
    return [(finding.area, finding.level) for finding in examine_hosts(hosts, None)]


def test_hosts_that_are_monitored_are_well() -> None:
    assert levels(host(2)) == [("hosts", Level.OK)]


def test_a_host_whose_figures_are_old_is_a_warning() -> None:
    assert levels(host(2, age_s=1000)) == [("hosts", Level.OK), ("hosts", Level.WARNING)]


def test_figures_of_the_future_are_the_clocks_affair() -> None:
    assert ("clock", Level.WARNING) in levels(host(2, age_s=-1000))


def test_a_cloud_in_which_no_host_can_be_used_is_an_error() -> None:
    assert levels(host(4), host(8)) == [("hosts", Level.ERROR)]


def test_a_cloud_without_hosts_is_a_warning() -> None:
    assert levels() == [("hosts", Level.WARNING)]


def test_a_reason_that_a_host_sent_moves_no_cursor() -> None:
    *_, finding = examine_hosts([host(2), host(3, error="a\nb\u009b2J")], None)

    assert "a b" in finding.text
    assert finding.text.isprintable()
