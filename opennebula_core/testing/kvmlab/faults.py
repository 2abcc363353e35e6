"""What goes wrong with hosts, on demand."""

from __future__ import annotations

import signal
import time

from opennebula_core.testing.kvmlab.blueprint import Blueprint
from opennebula_core.testing.kvmlab.command import LabError
from opennebula_core.testing.kvmlab.namespaces import first_process
from opennebula_core.testing.kvmlab.processes import Process, in_pid_namespace_of
from opennebula_core.testing.kvmlab.wires import set_link

SSHD = ("sshd", "sshd-session", "sshd-auth")
"""OpenSSH 9.8 split its server into three programs."""


class Faults:
    """Failures of a lab's hosts: what hangs, is killed, or is cut off.

    A host whose ssh hangs still takes connections (the kernel does), but nobody answers.
    """

    def __init__(self, blueprint: Blueprint) -> None:
        self._blueprint = blueprint

    def processes(self, name: str, *programs: str) -> list[Process]:
        """Return a host's processes, only those of certain programs, such as ``libvirtd``, where named."""
        return in_pid_namespace_of(first_process(self._blueprint, name).pid, programs)

    def hang_ssh(self, name: str) -> None:
        """Stop a host's sshd, those of its open sessions included."""
        stopped: set[Process] = set()
        # one that was being forked while we looked is found by the next look
        while fresh := set(self.processes(name, *SSHD)) - stopped:
            for process in fresh:
                process.send(signal.SIGSTOP)
            stopped |= fresh

    def resume_ssh(self, name: str) -> None:
        """Let a stopped sshd go on where it was."""
        for process in self.processes(name, *SSHD):
            process.send(signal.SIGCONT)

    def cut_cables(self, name: str) -> None:
        """Take a host off the network: packets to it and from it are lost."""
        set_link(self._blueprint, name, up=False)

    def mend_cables(self, name: str) -> None:
        """Put a host back on the network."""
        set_link(self._blueprint, name, up=True)

    def kill(self, name: str, program: str) -> int:
        """Kill a host's processes of a program, wait until they are gone, and return how many they were.

        :raises LabError: they do not go
        """
        victims = self.processes(name, program)
        for process in victims:
            process.send(signal.SIGKILL)
        deadline = time.monotonic() + 10
        while any(process.is_alive() for process in victims):
            if time.monotonic() > deadline:
                raise LabError(f"kill {program} on {name}: still there after 10 s; look into /proc")
            time.sleep(0.01)
        return len(victims)
