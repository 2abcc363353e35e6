"""The program ``onesched``, run as a process against a recorded front-end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from opennebula_core.testing.front_end import FrontEnd, FrontEndServer

ONESCHED = [sys.executable, "-m", "opennebula_core.scheduling.process"]


def onesched(server: FrontEndServer, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*ONESCHED, "--endpoint", server.endpoint, *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextmanager
def started(server: FrontEndServer, log: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as stream:
        process = subprocess.Popen(
            [*ONESCHED, "--endpoint", server.endpoint, *options], stderr=stream, stdin=subprocess.DEVNULL
        )
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0, log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def is_deployed(front_end: FrontEnd, vm_id: int) -> Callable[[], bool]:
    return lambda: front_end.vms[vm_id].state == 3


def choose(location: Path, text: str) -> None:
    folder = location / "etc"
    folder.mkdir(exist_ok=True)
    (folder / "oned.toml").write_text(text)


@pytest.fixture
def cloud(front_end: FrontEnd) -> FrontEnd:
    front_end.has_changes = True
    for host_id in range(3):
        front_end.add_host(host_id)
    return front_end


@pytest.mark.usefixtures("location")
def test_one_round_places_what_waits(cloud: FrontEnd, server: FrontEndServer) -> None:
    cloud.submit(5)
    done = onesched(server, "--policy", "dummy", "--once")
    assert done.returncode == 0, done.stderr
    assert "placed 1, waiting 0, refused 0" in done.stdout
    assert is_deployed(cloud, 5)()


@pytest.mark.usefixtures("location")
def test_a_dry_run_changes_nothing(cloud: FrontEnd, server: FrontEndServer) -> None:
    cloud.submit(5)
    done = onesched(server, "--policy", "dummy", "--once", "--dry-run")
    assert "Placement(vm_id=5, host_id=0" in done.stdout
    assert not cloud.called("one.vm.deploy")


@pytest.mark.usefixtures("location")
def test_an_explanation_names_the_failed_condition_of_each_host(
    cloud: FrontEnd, server: FrontEndServer
) -> None:
    cloud.add_host(1, state=4)
    cloud.submit(5, user_template={"SCHED_REQUIREMENTS": "ID != 2"})
    done = onesched(server, "--policy", "default", "--explain", "5")
    lines = {line.split()[1]: line for line in done.stdout.splitlines()[2:]}
    assert "can take it" in lines["host00"]
    assert "not enabled or not monitored" in lines["host01"]
    assert "SCHED_REQUIREMENTS not met" in lines["host02"]
    assert not cloud.called("one.vm.deploy")


@pytest.mark.usefixtures("location")
def test_a_vm_that_does_not_exist_cannot_be_explained(server: FrontEndServer) -> None:
    done = onesched(server, "--policy", "dummy", "--explain", "99")
    assert done.returncode == 1
    assert "onesched: [one.vm.info]" in done.stderr


@pytest.mark.usefixtures("location")
def test_an_unknown_policy_is_refused_with_the_installed_ones(server: FrontEndServer) -> None:
    done = onesched(server, "--policy", "defualt")
    assert done.returncode == 1
    assert "no driver 'defualt' in opennebula.scheduler: installed are default, dummy, haizea" in done.stderr


def test_an_option_of_the_policy_that_is_wrong_is_named(location: Path, server: FrontEndServer) -> None:
    choose(location, "[scheduler.default]\npolcy = 'packing'\n")
    done = onesched(server, "--once")
    assert done.returncode == 1
    assert "polcy" in done.stderr


def test_without_credentials_it_says_so(
    location: Path, server: FrontEndServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(location))  # or those of whoever runs the tests would do
    (location / "var" / ".one" / "sched_auth").unlink()
    done = onesched(server, "--policy", "dummy", "--once")
    assert done.returncode == 1
    assert "cannot read your session" in done.stderr


def test_it_calls_as_the_server_user(location: Path, cloud: FrontEnd, server: FrontEndServer) -> None:
    sessions: list[object] = []
    answer = cloud.answer
    cloud.answer = lambda method, params: sessions.append(params[0]) or answer(method, params)  # type: ignore[func-returns-value,method-assign]
    onesched(server, "--policy", "dummy", "--once")
    assert sessions
    assert all(str(session).startswith("serveradmin:serveradmin:") for session in sessions)
    assert all("secret" not in str(session) for session in sessions)


def test_default_haizea_and_back_on_a_running_cloud(
    location: Path, cloud: FrontEnd, server: FrontEndServer
) -> None:
    log = location / "onesched.log"
    choose(location, "[scheduler]\npolicy = 'default'\n[scheduler.default]\npolicy = 'packing'\n")
    with started(server, log) as process:
        cloud.submit(0)
        cloud.wait_until(is_deployed(cloud, 0))
        for vm_id, policy in ((1, "haizea"), (2, "default")):
            choose(location, f"[scheduler]\npolicy = '{policy}'\n[scheduler.default]\npolicy = 'packing'\n")
            os.kill(process.pid, signal.SIGHUP)
            cloud.wait_until(partial(is_in_charge, log, policy))
            cloud.submit(vm_id)
            cloud.wait_until(is_deployed(cloud, vm_id))
    assert [cloud.vms[vm_id].host_id for vm_id in range(3)] == [0, 1, 0]


def is_in_charge(log: Path, policy: str) -> bool:
    lines = [line for line in log.read_text().splitlines() if "is in charge" in line]
    return bool(lines) and f"policy {policy} is in charge" in lines[-1]
