"""The first process of a host: enters its root, starts its services, and ends everything at its own end.

Run as ``python -m opennebula_core.testing.kvmlab.first_process NAME`` by the lab, as pid 1 of new namespaces.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from opennebula_core.testing.kvmlab.blueprint import FRONT_END, Blueprint
from opennebula_core.testing.kvmlab.command import ROOT_PATH, LabError, run
from opennebula_core.testing.kvmlab.host_root import LOGS, enter_root
from opennebula_core.testing.kvmlab.mounts import bind, bind_folder, mount
from opennebula_core.testing.kvmlab.namespaces import TIED
from opennebula_core.testing.kvmlab.settings import LabSettings

GRACE_S = 2.0
"""How long services may take to end before the kernel ends them."""


class Services:
    """The daemons of one host."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._names: dict[int, str] = {}

    def start(self, name: str, argv: list[str]) -> None:
        """Start a daemon, its output going to a log of its name."""
        with (self._logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._names[process.pid] = name

    def reap(self) -> bool:
        """Take away all processes that ended; tell whether any are left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if not pid:
                return True
            if pid in self._names:
                with (self._logs / "init.log").open("a") as log:
                    log.write(f"{self._names.pop(pid)} ended: {status}\n")


class Signals:
    """SIGTERM, SIGINT, SIGCHLD, and the end of whoever started the lab, as something to wait for.

    :param is_tied: end when the standard input ends, that is, when the process at its other end does
    """

    def __init__(self, *, is_tied: bool) -> None:
        self.is_ending = False
        self._is_tied = is_tied
        # the reading end blocks, the writing end must not
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        # without a handler of Python's there is no wake-up
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def wait(self) -> None:
        """Return when one has come."""
        sources: list[socket.socket | TextIO] = [self._reader, *([sys.stdin] if self._is_tied else [])]
        ready, _, _ = select.select(sources, [], [])
        if self._reader in ready:
            self._reader.recv(4096)
        if sys.stdin in ready:
            self.is_ending = True

    def _end(self, *_: object) -> None:
        self.is_ending = True


def main() -> None:
    """Be the first process of the host that the command line names."""
    name = sys.argv[1]
    blueprint = Blueprint.load(LabSettings.from_environment())
    if blueprint is None:
        raise LabError("first process: no lab.json; start it through the lab")
    logs = blueprint.place(name, "log")
    run(["mount", "--make-rprivate", "/"])
    if name == FRONT_END:
        _enter_front_end(blueprint)
    else:
        enter_root(blueprint, name)
        os.environ.update(HOME="/root", PATH=ROOT_PATH)
        logs = Path("/", LOGS)
    run(["hostname", name])
    # the lab has put our network cards in when it says so
    signals = Signals(is_tied=sys.stdin.readline().strip() == TIED)
    services = Services(logs)
    _start(services, blueprint, name)
    sys.stdout.close()
    while not signals.is_ending:
        signals.wait()
        services.reap()
    _end_all(services)


def _enter_front_end(blueprint: Blueprint) -> None:
    mount("proc", Path("/proc"))
    bind(blueprint.place(FRONT_END, "hosts"), Path("/etc/hosts"))
    if Path("/etc/ssh/ssh_config").exists():
        bind(blueprint.place(FRONT_END, "ssh_config"), Path("/etc/ssh/ssh_config"))
    # sshd's privilege separation wants it; the machine may never have run one
    Path("/run/sshd").mkdir(exist_ok=True)
    for share in blueprint.shares:
        bind_folder(blueprint.shared_folder(share), Path(share))


def _start(services: Services, blueprint: Blueprint, name: str) -> None:
    is_host = name != FRONT_END
    configuration = Path("/etc/ssh/sshd_config") if is_host else blueprint.place(name, "sshd_config")
    services.start("sshd", ["/usr/sbin/sshd", "-D", "-e", "-f", str(configuration)])
    if is_host and blueprint.with_libvirt:
        services.start("libvirtd", ["/usr/sbin/libvirtd", "--listen"])


def _end_all(services: Services) -> None:
    with suppress(ProcessLookupError):
        os.kill(-1, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_S
    while services.reap() and time.monotonic() < deadline:
        time.sleep(0.02)
    # the kernel now ends whatever is left in this pid namespace
    os._exit(0)


if __name__ == "__main__":
    main()
