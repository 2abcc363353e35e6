from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from opennebula_core.testing.kvmlab import Lab, LabError, LabSettings
from opennebula_core.testing.kvmlab.command import run
from opennebula_core.testing.kvmlab.host_files import USER
from opennebula_core.testing.kvmlab.lab import wait_until
from opennebula_core.testing.kvmlab.preparation import open_lab, prepare_lab
from opennebula_core.testing.kvmlab.processes import Process

pytestmark = pytest.mark.integration

MOMENT = timedelta(seconds=2)


def test_a_program_runs_in_each_place_under_its_name(lab: Lab) -> None:
    assert [lab.exec(name, ["hostname"]).strip() for name in ("fe", "host1", "host2")] == [
        "fe",
        "host1",
        "host2",
    ]


def test_a_failing_program_raises_with_what_it_said(lab: Lab) -> None:
    with pytest.raises(LabError, match="exit status 3: no room"):
        lab.exec("host1", ["sh", "-c", "echo no room >&2; exit 3"])


def test_a_program_that_does_not_end_is_killed_with_its_children(lab: Lab) -> None:
    with pytest.raises(LabError, match="not ended after"):
        lab.exec("host1", ["sh", "-c", "sleep 1000 & wait"], timeout=timedelta(milliseconds=300))
    wait_until(lambda: not lab.faults.processes("host1", "sleep"), "its children to end", MOMENT)


def test_a_started_program_can_be_talked_to(lab: Lab) -> None:
    with lab.popen("host2", ["cat"]) as process:
        output, _ = process.communicate(b"hello", timeout=10)
    assert output == b"hello"


def test_an_unknown_host_is_named_with_those_that_are(lab: Lab) -> None:
    with pytest.raises(LabError, match="no host 'host9' in this lab: there are fe, host1, host2"):
        lab.exec("host9", ["true"])


def test_ssh_reaches_a_host_from_outside_and_from_another_host(lab: Lab) -> None:
    assert run(["ssh", "-F", str(lab.ssh_config), "host2", "hostname"]).strip() == "host2"
    assert lab.exec("host1", ["ssh", "host2", "hostname"]).strip() == "host2"
    assert lab.exec("fe", ["ssh", "root@host1", "hostname"]).strip() == "host1"


def test_the_unprivileged_user_may_log_in_and_use_libvirt(lab: Lab) -> None:
    login = ["ssh", "-F", str(lab.ssh_config), "-l", USER, "host1"]
    assert run([*login, "id -un"]).strip() == USER
    assert "QEMU" in run([*login, "virsh -c qemu:///system version"])


def test_what_a_host_writes_is_its_own(lab: Lab, tmp_path: Path) -> None:
    lab.exec("host1", ["sh", "-c", "echo one >/etc/only-here; echo two >/var/lib/one/only-here"])
    assert not Path("/etc/only-here").exists()
    assert lab.try_exec("host2", ["test", "-e", "/etc/only-here"]).returncode == 1
    assert lab.try_exec("host2", ["test", "-e", "/var/lib/one/only-here"]).returncode == 1


def test_the_test_itself_can_be_in_the_front_ends_network(front_end_network: Lab) -> None:
    address = front_end_network.address("host1")
    assert run(["ping", "-c1", "-W2", address])


async def test_a_connection_made_in_the_network_answers(front_end_network: Lab) -> None:
    reader, writer = await asyncio.open_connection(front_end_network.address("host2"), 22)
    assert (await reader.readline()).startswith(b"SSH-2.0")
    writer.close()
    await writer.wait_closed()


def test_no_interface_is_made_outside(lab: Lab) -> None:
    links = run(["ip", "-o", "link"])
    assert "sw0" not in links
    assert "br0" not in links


def test_ssh_hangs_and_goes_on(lab: Lab) -> None:
    login = ["ssh", "-F", str(lab.ssh_config), "-o", "BatchMode=yes", "host1", "true"]
    lab.hang_ssh("host1")
    with pytest.raises(LabError, match="not ended after"):
        run(login, timeout=MOMENT)
    run(["ssh", "-F", str(lab.ssh_config), "host2", "true"])
    lab.resume_ssh("host1")
    run(login, timeout=timedelta(seconds=20))


def test_cut_cables_lose_packets_until_they_are_mended(lab: Lab) -> None:
    ping = ["ping", "-c1", "-W1", "host1"]
    lab.faults.cut_cables("host1")
    assert lab.try_exec("fe", ping).returncode != 0
    lab.faults.mend_cables("host1")
    wait_until(lambda: lab.try_exec("fe", ping).returncode == 0, "host1", timedelta(seconds=10))


def test_a_crashed_host_keeps_its_disks_and_can_be_started_again(lab: Lab) -> None:
    lab.exec("host2", ["sh", "-c", "echo kept >/var/lib/one/file; sync"])
    lab.crash("host2")
    with pytest.raises(LabError, match="no host2: it is not up"):
        lab.exec("host2", ["true"])
    lab.restart("host2", tied=True)
    assert lab.exec("host2", ["cat", "/var/lib/one/file"]) == "kept\n"
    lab.exec("fe", ["ping", "-c1", "-W2", "host2"])


def test_a_killed_daemon_is_gone_at_once(lab: Lab) -> None:
    assert lab.faults.kill("host1", "libvirtd") == 1
    assert lab.faults.processes("host1", "libvirtd") == []
    lab.start_libvirt("host1")
    assert lab.is_ready("host1")


def test_two_labs_are_up_side_by_side_and_the_second_leaves_nothing(lab: Lab, tmp_path: Path) -> None:
    settings = replace(lab.blueprint.settings, directory=tmp_path / "lab")
    with Lab.up(prepare_lab(settings, 1, with_libvirt=False), tied=True) as other:
        assert other.address("host1") == lab.address("host1")
        assert other.exec("host1", ["cat", "/etc/machine-id"]) != lab.exec(
            "host1", ["cat", "/etc/machine-id"]
        )
        with pytest.raises(LabError, match="one is up there"):
            prepare_lab(settings, 1)
    assert not settings.directory.exists()


START_AND_WAIT = """
import sys, time
from opennebula_core.testing.kvmlab import Lab, LabSettings
from opennebula_core.testing.kvmlab.preparation import prepare_lab
lab = Lab.up(prepare_lab(LabSettings.from_environment(), 1, with_libvirt=False), tied=True)
print("up", flush=True)
time.sleep(1000)
"""


def test_a_tied_lab_ends_when_whoever_started_it_is_killed(lab_packages: None, tmp_path: Path) -> None:
    settings = replace(LabSettings.from_environment(), directory=tmp_path / "lab")
    program = [sys.executable, "-c", START_AND_WAIT]
    environment = os.environ | settings.environment()
    with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"up\n"
        lab = open_lab(settings)
        first = Process.load(lab.blueprint.place("host1", "pid"))
        assert first is not None
        starter.send_signal(signal.SIGKILL)
    wait_until(lambda: not first.is_alive(), "the host to end", timedelta(seconds=10))
    lab.down()
    assert not settings.directory.exists()
