"""A real cloud in the lab: ``oned``, the scheduler and the drivers in ``fe``, before real hosts.

The cloud's programs are those of this installation. Whoever calls it must be in the front-end's network
(the fixture ``front_end_network``), where the API listens on loopback.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import xmlrpc.client
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from opennebula_core.config import Location
from opennebula_core.model.elements import parse_element
from opennebula_core.model.states import HostState, LcmState, VmState
from opennebula_core.testing.kvmlab.blueprint import FRONT_END
from opennebula_core.testing.kvmlab.command import LabError
from opennebula_core.testing.kvmlab.lab import Lab, wait_until
from opennebula_core.testing.kvmlab.processes import Process, end_all

PORT = 2633
START_LIMIT = timedelta(seconds=60)
VM_LIMIT = timedelta(seconds=120)
HOST_LIMIT = timedelta(seconds=60)
LOG_TAIL_CHARS = 8000

CONFIGURATION = """[monitoring]
host_period_s = 2
vm_period_s = 2
vm_state_period_s = 1
system_period_s = 60
beacon_period_s = 2
host_timeout_s = 15

[drivers.im.kvm.options]
ssh_config = "{ssh_config}"
timeout_s = 10

[drivers.vmm.kvm.options]
ssh_config = "{ssh_config}"

[drivers.tm.ssh.options]
ssh_config = "{ssh_config}"

[drivers.vnm.bridge.options]
ssh_config = "{ssh_config}"
"""
"""``oned.toml`` with short periods; it names the lab's ssh configuration, so no user's own is used."""


class CallError(Exception):
    """The API refused a call.

    :param code: OpenNebula's error code
    """

    def __init__(self, method: str, message: str, code: int) -> None:
        self.code = code
        super().__init__(f"{method}: {message} ({code:#x})")


@dataclass
class CloudInLab:
    """One cloud with its own ``ONE_LOCATION``.

    :param configuration: what ``etc/oned.toml`` says besides :data:`CONFIGURATION`
    """

    lab: Lab
    location: Location
    port: int = PORT
    configuration: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    def start(self) -> None:
        """Start the daemon and the scheduler; returns when the API answers.

        :raises LabError: it does not, within a minute; the message ends with the daemon's log
        """
        if not self.location.config_file.exists():
            self.location.create()
            text = CONFIGURATION.format(ssh_config=self.lab.front_end_ssh_config) + self.configuration
            self.location.config_file.write_text(text)
        self.run("one", "start", "--port", str(self.port), limit=START_LIMIT)
        wait_until(self._answers, "the API", START_LIMIT)

    def stop(self) -> None:
        """Stop the daemon, the scheduler and their drivers in order."""
        self.run("one", "stop", limit=START_LIMIT)

    def end(self) -> None:
        """End whatever of the cloud still runs, in any state."""
        with suppress(LabError):
            self.stop()
        end_all(self.processes(), grace_s=2)

    def run(self, program: str, *arguments: str, stdin: bytes = b"", limit: timedelta = VM_LIMIT) -> str:
        """Run one of the cloud's programs in ``fe`` and return what it printed.

        :raises LabError: it failed, or did not end within ``limit``
        """
        argv = [str(_program(program)), *arguments]
        return self.lab.exec(FRONT_END, argv, stdin=stdin, environment=self._environment(), timeout=limit)

    def popen(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start one of the cloud's programs in ``fe``, such as ``oned`` in the foreground."""
        argv = [str(_program(program)), *arguments]
        return self.lab.popen(FRONT_END, argv, environment=self._environment())

    def processes(self, program: str = "", *words: str) -> list[Process]:
        """Return the cloud's processes.

        :param program: such as ``oned`` or ``onedriver``; empty for all
        :param words: which its command line must also have, such as ``vmm`` and ``kvm``
        """
        return [Process(pid, start) for pid, start in self._pids(program, words)]

    def kill(self, program: str, *words: str) -> int:
        """Kill processes of the cloud, wait until they are gone and return how many they were."""
        victims = self.processes(program, *words)
        end_all(victims, first=signal.SIGKILL)
        return len(victims)

    @property
    def session(self) -> str:
        """The session text of ``oneadmin``."""
        return self.location.auth_file.read_text().strip()

    @property
    def endpoint(self) -> str:
        """Where the API is, in the front-end's network."""
        return f"http://127.0.0.1:{self.port}/RPC2"

    def call(self, method: str, *arguments: object) -> Any:
        """Call an API method as ``oneadmin`` and return what it answers: an id or a document's text.

        :raises CallError: it was refused
        :raises OSError: nobody answers
        """
        with xmlrpc.client.ServerProxy(self.endpoint) as server:
            answer: Any = getattr(server, method)(self.session, *arguments)
        is_done, value, code = answer[:3]
        if not is_done:
            raise CallError(method, str(value), int(code))
        return value

    def document(self, method: str, *arguments: object) -> Element:
        """Call a method that answers with a document, and return its root element."""
        return parse_element(str(self.call(method, *arguments)))

    def vm_states(self, vm_id: int) -> tuple[VmState, LcmState]:
        """Return the states of a VM."""
        vm = self.document("one.vm.info", vm_id)
        return VmState(int(vm.findtext("STATE", "0"))), LcmState(int(vm.findtext("LCM_STATE", "0")))

    def wait_for_vm(
        self,
        vm_id: int,
        state: VmState,
        lcm_state: LcmState = LcmState.LCM_INIT,
        *,
        limit: timedelta = VM_LIMIT,
    ) -> None:
        """Wait until a VM is in a state.

        :raises LabError: it is not within ``limit``, or it fails meanwhile; the message has the VM's log
        """

        def arrived() -> bool:
            now = self.vm_states(vm_id)
            if now != (state, lcm_state) and now[1].name.endswith("FAILURE"):
                raise LabError(f"it went to {now[1].name}")
            return now == (state, lcm_state)

        try:
            wait_until(arrived, f"VM {vm_id} to be {state.name}, {lcm_state.name}", limit)
        except LabError as error:
            log = _tail(self.location.vm_log(vm_id))
            raise LabError(f"VM {vm_id}, now {self.vm_states(vm_id)}: {error}; its log:\n{log}") from None

    def wait_for_running(self, *vm_ids: int, limit: timedelta = VM_LIMIT) -> None:
        """Wait until VMs run.

        :raises LabError: one does not within ``limit``, or fails
        """
        for vm_id in vm_ids:
            self.wait_for_vm(vm_id, VmState.ACTIVE, LcmState.RUNNING, limit=limit)

    def add_hosts(self, names: Sequence[str] = (), *, im: str = "kvm", vmm: str = "kvm") -> list[int]:
        """Register hosts, all of the lab's unless named, wait until they are monitored, return their ids."""
        ids = [int(self.call("one.host.allocate", name, im, vmm, -1)) for name in names or self.lab.hosts]
        for host_id in ids:
            self.wait_for_host(host_id, HostState.MONITORED)
        return ids

    def wait_for_host(self, host_id: int, state: HostState, *, limit: timedelta = HOST_LIMIT) -> None:
        """Wait until a host is in a state.

        :raises LabError: it is not within ``limit``
        """

        def arrived() -> bool:
            return int(self.document("one.host.info", host_id).findtext("STATE", "-1")) == state

        wait_until(arrived, f"host {host_id} to be {state.name}", limit)

    def logs(self) -> Iterator[tuple[str, str]]:
        """Yield name and end of each log of the cloud and of its VMs."""
        for path in (*sorted(self.location.log.rglob("*.log")), *sorted(self.location.vms.rglob("*.log"))):
            yield str(path.relative_to(self.location.root)), _tail(path)

    def _environment(self) -> dict[str, str]:
        own = {"ONE_LOCATION": str(self.location), "ONE_XMLRPC": self.endpoint}
        return {**own, "ONE_AUTH": str(self.location.auth_file), **self.environment}

    def _answers(self) -> bool:
        try:
            self.call("one.system.version")
        except OSError:
            return False
        return True

    def _pids(self, program: str, words: Sequence[str]) -> Iterator[tuple[int, str]]:
        """Yield pid and start time of the processes that have our ONE_LOCATION in their environment."""
        ours = f"ONE_LOCATION={self.location}".encode()
        for process in self.lab.faults.processes(FRONT_END):
            command = _entries(process.pid, "cmdline")
            # A script's first words are its interpreter and its path, a module's are -m and its dotted name.
            names = {re.split(r"[/.]", word.decode(errors="replace"))[-1] for word in command[:3]}
            wanted = {word.encode() for word in words} <= set(command) and (not program or program in names)
            if wanted and ours in _entries(process.pid, "environ"):
                yield process.pid, process.start


def _program(name: str) -> Path:
    return Path(sys.executable).parent / name


def _entries(pid: int, file: str) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/{file}").read_bytes().split(b"\0")
    except OSError:
        return []


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - LOG_TAIL_CHARS))
            return file.read().decode(errors="replace")
    except OSError as error:
        return f"({error})"
