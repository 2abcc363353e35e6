"""Real hosts in a real cloud: registered, monitored, lost and found again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opennebula_core.model.states import HostState
from opennebula_core.testing.cloud_in_lab import CloudInLab
from opennebula_core.testing.kvmlab import Lab
from opennebula_core.testing.kvmlab.lab import wait_until

pytestmark = pytest.mark.integration


def test_registered_hosts_have_real_figures(cloud: CloudInLab) -> None:
    for host_id in cloud.add_hosts():
        host = cloud.document("one.host.info", host_id)
        assert int(host.findtext("HOST_SHARE/TOTAL_CPU", "0")) >= 100
        assert int(host.findtext("HOST_SHARE/TOTAL_MEM", "0")) > 0
        assert host.findtext("TEMPLATE/HYPERVISOR") == "kvm"
        assert host.findtext("TEMPLATE/HOSTNAME") == host.findtext("NAME")


def test_a_host_whose_ssh_hangs_goes_to_error_and_comes_back_by_itself(cloud: CloudInLab, lab: Lab) -> None:
    first, second = cloud.add_hosts()
    lab.hang_ssh("host1")
    cloud.wait_for_host(first, HostState.ERROR)
    cloud.wait_for_host(second, HostState.MONITORED, limit=timedelta(seconds=1))
    lab.resume_ssh("host1")
    cloud.wait_for_host(first, HostState.MONITORED)


def test_monitoring_goes_on_after_the_daemon_was_killed(cloud: CloudInLab) -> None:
    host_id, _ = cloud.add_hosts()
    assert cloud.kill("oned") == 1
    # its drivers see the end of their input and leave
    wait_until(lambda: not cloud.processes("onedriver"), "the drivers to end", timedelta(seconds=20))
    cloud.start()
    before = int(cloud.document("one.host.info", host_id).findtext("MONITORING/TIMESTAMP", "0"))

    def is_newer() -> bool:
        host = cloud.document("one.host.info", host_id)
        return int(host.findtext("MONITORING/TIMESTAMP", "0")) > before

    wait_until(is_newer, "a new sample", timedelta(seconds=30))


def test_nothing_is_left_of_a_stopped_cloud(cloud: CloudInLab) -> None:
    cloud.add_hosts()
    cloud.stop()
    # the daemon has given up its lock and is about to end
    wait_until(lambda: not cloud.processes(), "all processes to end", timedelta(seconds=5))
