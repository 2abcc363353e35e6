"""Starting a host's first process in new namespaces, and getting into them."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opennebula_core.testing.kvmlab.blueprint import Blueprint
from opennebula_core.testing.kvmlab.cgroups import enter_groups
from opennebula_core.testing.kvmlab.command import LabError
from opennebula_core.testing.kvmlab.processes import Process, first_child

CLONE_NEWNET = 0x40000000
"""Source: linux/sched.h."""

FREE = "go"
TIED = "go tied"
"""The line that a first process waits for; a tied one ends when its standard input does."""

START_LIMIT_S = 10.0

ALL = ("-m", "-u", "-i", "-n", "-p")
NETWORK = ("-n",)


def spawn(blueprint: Blueprint, name: str) -> subprocess.Popen[bytes]:
    """Start the first process of a host, which waits for a line on its standard input.

    Its pid out here and that of ``unshare`` are left in the host's files ``pid`` and ``outer``.

    :raises LabError: it ended at once
    """
    controllers = blueprint.cgroups.get(name, ())

    def enter() -> None:
        os.setsid()
        enter_groups(controllers, blueprint.tag, name)

    unshare = ["unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child"]
    program = [sys.executable, "-m", "opennebula_core.testing.kvmlab.first_process", name]
    with blueprint.place(name, "init.out").open("ab") as output:
        process = subprocess.Popen(
            [*unshare, *(["--cgroup"] if controllers else []), *program],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            preexec_fn=enter,
            env={**os.environ, **blueprint.settings.environment()},
        )
    deadline = time.monotonic() + START_LIMIT_S
    while process.poll() is None and time.monotonic() < deadline:
        inner = Process.of(first_child(process.pid) or -1)
        outer = Process.of(process.pid)
        if inner and outer:
            inner.save(blueprint.place(name, "pid"))
            outer.save(blueprint.place(name, "outer"))
            return process
        time.sleep(0.005)
    raise LabError(f"start {name}: {blueprint.place(name, 'init.out').read_text().strip()}")


def first_process(blueprint: Blueprint, name: str) -> Process:
    """Return a host's first process.

    :raises LabError: the host is not up
    """
    process = Process.load(blueprint.place(name, "pid"))
    if process is None:
        raise LabError(f"no {name}: it is not up; start the lab")
    return process


def inside(
    blueprint: Blueprint, name: str, argv: Sequence[str], *, directory: str = "", spaces: Sequence[str] = ALL
) -> list[str]:
    """Return the command that runs ``argv`` inside a host.

    :param directory: where to run it; ``/`` if there is no such folder inside
    :param spaces: which namespaces to enter, as options of nsenter
    """
    enter = ["nsenter", "-t", str(first_process(blueprint, name).pid), *spaces, "--"]
    if not directory:
        return [*enter, *argv]
    return [*enter, "/bin/sh", "-c", 'cd "$0" 2>/dev/null || cd /; exec "$@"', directory, *argv]


@contextmanager
def network_of(process: Process) -> Iterator[None]:
    """Let the calling thread, and the threads and programs it starts, use another process's network.

    Sockets belong for ever to the network in which they were made.
    """
    with open("/proc/thread-self/ns/net") as own, open(f"/proc/{process.pid}/ns/net") as other:
        _set_network(other.fileno())
        try:
            yield
        finally:
            _set_network(own.fileno())


def _set_network(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET):
        error = ctypes.get_errno()
        raise LabError(f"enter a network namespace: {os.strerror(error)}; it takes root")
