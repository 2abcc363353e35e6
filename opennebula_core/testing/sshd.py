"""A real sshd on loopback that plays hosts, for tests of what works on hosts.

It runs in the foreground with keys and files in one folder, and ends with the block. Several names lead
to it, through an ssh configuration of its own: ``host1`` and ``host2`` are good hosts, ``stranger`` is one
whose key nobody knows, ``impostor`` one that shows another key than the known one, ``careless`` has a
configuration that would check no keys, and ``hanging`` accepts connections and never says a word.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from opennebula_core.testing.ports import free_port

SSHD_CONFIG = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/client_key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
# bash takes this for a shell in a shell, and leaves the user's slow start-up files alone.
SetEnv SHLVL=5
{more}
"""

SSH_CONFIG = """
Host host1 host2
    HostKeyAlias pretend-host
Host stranger
    HostKeyAlias stranger
Host impostor
    HostKeyAlias impostor
Host careless
    UserKnownHostsFile none
    StrictHostKeyChecking no
Host hanging
    Port {hanging_port}
Host *
    Hostname 127.0.0.1
    Port {port}
    IdentityFile {folder}/client_key
    UserKnownHostsFile {folder}/known_hosts
"""

SSHD_START_LIMIT_S = 20


@dataclass(frozen=True)
class Sshd:
    """A running sshd.

    :param folder: with ``ssh_config``, ``known_hosts`` and ``client_key``
    :param mute_port: where connections are accepted and nothing is ever said
    """

    folder: Path
    port: int
    mute_port: int
    process: subprocess.Popen[bytes]

    @property
    def ssh_config(self) -> str:
        """The configuration that knows the names."""
        return str(self.folder / "ssh_config")

    @property
    def log(self) -> str:
        """What it has said so far."""
        return (self.folder / "sshd.log").read_text(errors="replace")

    def connections(self) -> int:
        """How many connections it has accepted so far."""
        return self.log.count("Accepted publickey")

    def session_pids(self) -> list[int]:
        """Return the processes that serve connections now."""
        return children_of(self.process.pid)


@contextmanager
def running_sshd(folder: Path, more: str = "", wrapper: Sequence[str] = ()) -> Iterator[Sshd]:
    """Run an sshd for the length of a block.

    :param folder: an empty folder for its files
    :param more: further lines of its configuration
    :param wrapper: a command that becomes sshd in the end, such as one that gives it mounts of its own
    """
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(64)
        server = _start(folder, int(mute.getsockname()[1]), more, wrapper)
        try:
            yield server
        finally:
            server.process.terminate()
            server.process.wait()


def children_of(pid: int, program: str = "") -> list[int]:
    """Return the processes whose parent is ``pid``, and that run ``program`` if that is given."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            stat = entry.joinpath("stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        name, fields = stat.partition("(")[2].rsplit(")", 1)
        if int(fields.split()[1]) == pid and program in ("", name):
            found.append(int(entry.name))
    return found


def processes_with(argument: str) -> list[int]:
    """Return the processes that have ``argument`` as one of their arguments."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it ended while we looked
            if argument.encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


def wait_until(condition: Callable[[], object], what: str, limit_s: float = 20) -> None:
    """Wait for something that happens outside of the test's process.

    :raises AssertionError: it does not happen within ``limit_s`` seconds
    """
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {limit_s:g} s")
        time.sleep(0.02)


def _start(folder: Path, mute_port: int, more: str, wrapper: Sequence[str]) -> Sshd:
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if program is None:
        raise AssertionError("start sshd: it is not installed; install openssh-server")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # its separated half lives in there
    _make_keys(folder)
    port = free_port()
    (folder / "sshd_config").write_text(SSHD_CONFIG.format(port=port, folder=folder, more=more))
    (folder / "ssh_config").write_text(SSH_CONFIG.format(port=port, folder=folder, hanging_port=mute_port))
    with (folder / "sshd.log").open("wb") as log:
        # It ends with us even when we are killed.
        argv = [
            "setpriv",
            "--pdeathsig",
            "TERM",
            "--",
            *wrapper,
            program,
            "-D",
            "-e",
            "-f",
            str(folder / "sshd_config"),
        ]
        server = Sshd(folder, port, mute_port, subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=log))
    wait_until(
        lambda: server.process.poll() is not None or "Server listening" in server.log,
        "sshd listens",
        SSHD_START_LIMIT_S,
    )
    if server.process.poll() is not None:
        raise AssertionError(f"start sshd: {server.log}")
    return server


def _make_keys(folder: Path) -> None:
    for name in ("host_key", "client_key", "other_key"):
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    own, other = ((folder / f"{name}.pub").read_text() for name in ("host_key", "other_key"))
    (folder / "known_hosts").write_text(f"pretend-host {own}impostor {other}")
