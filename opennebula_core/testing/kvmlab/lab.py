"""A lab: started, worked in, and ended."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import IO, Self

from opennebula_core.testing.kvmlab.blueprint import FRONT_END, Blueprint
from opennebula_core.testing.kvmlab.cgroups import remove_groups
from opennebula_core.testing.kvmlab.command import ROOT_PATH, LabError, attempt, run, succeeds
from opennebula_core.testing.kvmlab.faults import Faults
from opennebula_core.testing.kvmlab.namespaces import FREE, TIED, first_process, inside, network_of, spawn
from opennebula_core.testing.kvmlab.processes import Process, end_all
from opennebula_core.testing.kvmlab.wires import make_switches, plug_in, unplug

READY_LIMIT_S = 60.0
EXEC_LIMIT = timedelta(seconds=60)

SSH_ANSWERS = "exec 3<>/dev/tcp/127.0.0.1/22"
LIBVIRT_ANSWERS = "virsh -q -c qemu:///system version >/dev/null && exec 4<>/dev/tcp/127.0.0.1/16509"


EMPTY_FOLDERS = "find /var/lib/one /var/tmp /tmp -mindepth 1 -maxdepth 1 ! -name .ssh -exec rm -rf {} +"
"""The login of the user oneadmin stays, whose home is there."""


class Lab:
    """Hosts and a place for the front-end, up until :meth:`down`; a context manager that does that.

    :param started: hosts' processes that this very process started, if it did
    """

    def __init__(
        self, blueprint: Blueprint, started: Mapping[str, subprocess.Popen[bytes]] | None = None
    ) -> None:
        self.blueprint = blueprint
        self.faults = Faults(blueprint)
        self._started = dict(started or {})

    @classmethod
    def up(cls, blueprint: Blueprint, *, tied: bool = False) -> Self:
        """Start all hosts and wait until their services answer.

        :param tied: the hosts end by themselves when this process ends, however it does
        :raises LabError: a host does not come up; nothing is left then but the logs
        """
        blueprint.save()
        lab = cls(blueprint)
        try:
            for name in blueprint.names:
                lab._started[name] = spawn(blueprint, name)
            make_switches(blueprint)
            for host in blueprint.hosts:
                plug_in(blueprint, host)
            lab._release(blueprint.names, tied=tied)
        except BaseException:
            lab.down(keep=True)
            raise
        return lab

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    def down(self, *, keep: bool = False) -> None:
        """End everything in the lab and remove its state.

        :param keep: leave the state, which holds the logs
        """
        self._end_all()
        remove_groups(self.blueprint.tag)
        if keep:
            return
        directory = self.blueprint.settings.directory
        for name in (*self.blueprint.names, "ssh", "shared"):
            shutil.rmtree(directory / name, ignore_errors=True)
        for name in ("lab.json", "ssh_config", "through"):
            (directory / name).unlink(missing_ok=True)
        if not any(directory.iterdir()):
            directory.rmdir()

    @property
    def directory(self) -> Path:
        """Where the lab's state is."""
        return self.blueprint.settings.directory

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts' names, ``host1`` and so on."""
        return self.blueprint.hosts

    @property
    def accelerator(self) -> str:
        """``kvm`` or ``tcg``: what guests run under here."""
        return self.blueprint.accelerator

    @property
    def ssh_config(self) -> Path:
        """For ``ssh -F`` from outside, where the hosts have no route."""
        return self.directory / "ssh_config"

    @property
    def front_end_ssh_config(self) -> Path:
        """The same for those inside ``fe`` or in its network; it also names the addresses."""
        return self.directory / FRONT_END / "ssh_config"

    @property
    def ssh_key(self) -> Path:
        """The private key that opens every host."""
        return self.directory / "ssh" / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """The keys of all hosts, by name and by address."""
        return self.directory / "ssh" / "known_hosts"

    def address(self, name: str, *, card: int = 0) -> str:
        """Return the address of a host, or of ``fe``, on the first or second network (card 0 or 1)."""
        return self.blueprint.address(name, card=card)

    def log_folder(self, name: str) -> Path:
        """Return where a host's logs are out here."""
        return self.blueprint.place(name, "log")

    def is_ready(self, name: str) -> bool:
        """Tell whether a host's services answer."""
        checks = [SSH_ANSWERS]
        if name != FRONT_END and self.blueprint.with_libvirt:
            checks.append(LIBVIRT_ANSWERS)
        return succeeds(inside(self.blueprint, name, ["bash", "-c", " && ".join(checks)]))

    def exec(
        self,
        name: str,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
        timeout: timedelta = EXEC_LIMIT,
    ) -> str:
        """Run a program inside a host or ``fe`` and return its output.

        :raises LabError: it failed, or did not end in time
        """
        command = inside(self.blueprint, name, argv, directory=os.getcwd())
        added = self.environment(name) | dict(environment or {})
        return run(command, stdin=stdin, environment=added, timeout=timeout)

    def try_exec(
        self, name: str, argv: Sequence[str], *, timeout: timedelta = EXEC_LIMIT
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a program inside and return how it ended, well or not."""
        command = inside(self.blueprint, name, argv, directory=os.getcwd())
        return attempt(command, environment=self.environment(name), timeout=timeout)

    def popen(
        self,
        name: str,
        argv: Sequence[str],
        *,
        output: int | IO[bytes] = subprocess.PIPE,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a program inside, in a session of its own; its pid out here is that of ``nsenter``.

        :param output: where its standard output and error go
        """
        added = self.environment(name) | dict(environment or {})
        return subprocess.Popen(
            inside(self.blueprint, name, argv, directory=os.getcwd()),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | added,
            start_new_session=True,
        )

    def environment(self, name: str) -> dict[str, str]:
        """Return what programs inside need set: hosts have their own home and path."""
        return {} if name == FRONT_END else {"HOME": "/root", "PATH": ROOT_PATH}

    def virsh(self, host: str, *arguments: str) -> str:
        """Run virsh against a host's libvirtd."""
        return self.exec(host, ["virsh", "-q", "-c", "qemu:///system", *arguments]).strip()

    def in_network_of(self, name: str) -> AbstractContextManager[None]:
        """Let the calling thread, and the threads and programs it starts, use a host's network."""
        return network_of(first_process(self.blueprint, name))

    def hang_ssh(self, host: str) -> None:
        """Let a host's ssh hang: connections are taken, and nobody answers."""
        self.faults.hang_ssh(host)

    def resume_ssh(self, host: str) -> None:
        """Let a host's ssh go on."""
        self.faults.resume_ssh(host)

    def crash(self, host: str) -> None:
        """Let a host lose power: all in it is gone at once, but for what is on its disks."""
        end_all(self._processes([host], "pid"), first=signal.SIGKILL)
        end_all(self._processes([host], "outer"))
        self._forget(host)
        unplug(self.blueprint, host)

    def restart(self, host: str, *, tied: bool = False) -> None:
        """Start a host that crashed, and wait until its services answer."""
        self._started[host] = spawn(self.blueprint, host)
        plug_in(self.blueprint, host)
        self._release([host], tied=tied)

    def start_libvirt(self, host: str) -> None:
        """Start a host's libvirtd after it was killed, and wait until it answers."""
        self.exec(host, ["libvirtd", "--listen", "--daemon"])
        wait_until(lambda: self.is_ready(host), f"libvirtd on {host}", timedelta(seconds=READY_LIMIT_S))

    def tidy(self, *, tied: bool = False) -> None:
        """Repair all hosts, end their guests and empty their folders for disks.

        :param tied: as in :meth:`up`, for hosts that crashed and are started anew
        """
        for host in self.hosts:
            if not self._processes([host], "pid"):
                self.restart(host, tied=tied)
            self.faults.mend_cables(host)
            self.resume_ssh(host)
            if self.blueprint.with_libvirt:
                if not self.faults.processes(host, "libvirtd"):
                    self.start_libvirt(host)
                self._remove_guests(host)
            self.exec(host, ["sh", "-c", EMPTY_FOLDERS])

    def _remove_guests(self, host: str) -> None:
        for name in self.virsh(host, "list", "--name").splitlines():
            self.virsh(host, "destroy", name)
        for name in self.virsh(host, "list", "--all", "--name").splitlines():
            self.virsh(host, "undefine", "--managed-save", "--snapshots-metadata", "--nvram", name)

    def _release(self, names: Sequence[str], *, tied: bool) -> None:
        for name in names:
            stdin = self._started[name].stdin
            assert stdin is not None
            stdin.write(f"{TIED if tied else FREE}\n".encode())
            stdin.flush()
            if not tied:
                stdin.close()
        for name in names:
            self._wait_until_ready(name)

    def _wait_until_ready(self, name: str) -> None:
        try:
            wait_until(lambda: self._check(name), f"{name} to be ready", timedelta(seconds=READY_LIMIT_S))
        except LabError as error:
            said = self.blueprint.place(name, "init.out").read_text().strip()
            raise LabError(f"{error}; it said {said!r}; see {self.log_folder(name)}") from None

    def _check(self, name: str) -> bool:
        if self._started[name].poll() is not None:
            raise LabError(f"start {name}: its first process ended")
        return self.is_ready(name)

    def _end_all(self) -> None:
        # the first processes end their services in order; unshare, which is outside, would not
        for file in ("pid", "outer"):
            end_all(self._processes(self.blueprint.names, file))
        for name in list(self._started):
            self._forget(name)

    def _processes(self, names: Sequence[str], file: str) -> list[Process]:
        loaded = [Process.load(self.blueprint.place(name, file)) for name in names]
        return [process for process in loaded if process is not None]

    def _forget(self, name: str) -> None:
        process = self._started.pop(name, None)
        if process is not None:
            if process.stdin:
                process.stdin.close()
            process.wait()


def wait_until(condition: Callable[[], bool], what: str, limit: timedelta) -> None:
    """Return as soon as a condition holds.

    :param what: what is waited for, for the message
    :raises LabError: it did not hold in time
    """
    deadline = time.monotonic() + limit.total_seconds()
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"wait for {what}: not within {limit.total_seconds():g} s")
        time.sleep(0.05)
