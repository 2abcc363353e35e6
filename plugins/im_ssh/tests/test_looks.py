from __future__ import annotations

import pytest

from opennebula_im_ssh.figures import Clock, CpuTimes
from opennebula_im_ssh.looks import Look, guest_cpu_percent, used_cpu_percent

S = 1_000_000_000


def look(uptime_s: float, *, total: int = 0, idle: int = 0, guest_ns: int = 0, boot: str = "a") -> Look:
    return Look(Clock(boot, uptime_s), CpuTimes(total, idle), {"one-7": guest_ns})


def test_the_first_look_tells_the_hosts_use_since_its_start() -> None:
    assert used_cpu_percent(look(100, total=1000, idle=750), None, processors=4) == 100


def test_a_second_look_tells_the_use_since_the_first() -> None:
    before, now = look(100, total=1000, idle=750), look(110, total=1100, idle=750)
    assert used_cpu_percent(now, before, processors=4) == 400


def test_a_host_that_was_started_anew_counts_from_zero() -> None:
    before, now = look(900, total=9000, idle=8000), look(10, total=100, idle=50, boot="b")
    assert used_cpu_percent(now, before, processors=2) == 100
    assert guest_cpu_percent("one-7", now, before) == 0.0


@pytest.mark.parametrize(("total", "idle", "percent"), [(1000, 700, 0), (1000, 750, 0), (1100, 740, 400)])
def test_counters_that_stand_or_go_back_make_no_nonsense(total: int, idle: int, percent: int) -> None:
    before, now = look(100, total=1000, idle=750), look(110, total=total, idle=idle)
    assert used_cpu_percent(now, before, processors=4) == percent


def test_a_guests_use_is_its_time_over_the_hosts() -> None:
    assert guest_cpu_percent("one-7", look(110, guest_ns=20 * S), look(100, guest_ns=5 * S)) == 150.0


def test_a_guest_at_the_first_look_has_no_rate_yet() -> None:
    assert guest_cpu_percent("one-7", look(100, guest_ns=5 * S), None) == 0.0


def test_a_guest_that_appeared_since_counts_from_zero() -> None:
    before = Look(Clock("a", 100), CpuTimes())
    assert guest_cpu_percent("one-7", look(110, guest_ns=5 * S), before) == 50.0


def test_a_guest_that_began_anew_counts_from_zero() -> None:
    assert guest_cpu_percent("one-7", look(110, guest_ns=1 * S), look(100, guest_ns=500 * S)) == 10.0


def test_no_time_between_two_looks_is_no_rate() -> None:
    assert guest_cpu_percent("one-7", look(100, guest_ns=5 * S), look(100, guest_ns=1 * S)) == 0.0
