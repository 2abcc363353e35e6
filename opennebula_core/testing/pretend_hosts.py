"""A front-end and two hosts on one machine, each with datastores of its own, for tests of transfers.

The hosts are two sshds whose mounts are their own: they see different folders under the same path. Where
hypervisors and networks matter too, the lab makes whole hosts.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from opennebula_core.contracts.tm import Location
from opennebula_core.testing.sshd import Sshd, running_sshd

HOSTS = ("host1", "host2")

OWN_VIEW = """
set -e
mount --bind "$1" "$2"
mkdir -p "$1/.tmp" && mount --bind "$1/.tmp" /var/tmp
shift 2
exec "$@"
"""


@dataclass
class NotedReport:
    """A report that keeps what it is told."""

    lines: list[str] = field(default_factory=list)
    figures: list[tuple[int, int]] = field(default_factory=list)

    def info(self, text: str) -> None:
        """Keep the line."""
        self.lines.append(text)

    def warning(self, text: str) -> None:
        """Keep the line."""
        self.lines.append(text)

    def error(self, text: str) -> None:
        """Keep the line."""
        self.lines.append(text)

    def progress(self, done: int, total: int) -> None:
        """Keep the figures."""
        self.figures.append((done, total))


@dataclass
class PretendHosts:
    """The machines; the empty name is the front-end.

    :param folder: of the whole set-up
    :param datastores: the path of the datastores, the same on all machines
    :param ssh_config: an ssh configuration that knows the hosts
    :param vm_id: a VM that nobody else on this machine has, because locks know VMs by their ids
    """

    folder: Path
    datastores: Path
    ssh_config: str
    sshd: dict[str, Sshd]
    vm_id: int = field(default_factory=lambda: random.randrange(10**6, 10**9))

    def vm(self, host: str, *names: str) -> Path:
        """Return where the VM's folder on a machine, or what is in it, is seen from outside."""
        root = self.folder / host if host else self.datastores
        return root.joinpath("0", str(self.vm_id), *names)

    def at(self, host: str, *names: str) -> Location:
        """Return the same as requests name it."""
        return Location(host, str(self.datastores.joinpath("0", str(self.vm_id), *names)))

    def image(self, name: str) -> Path:
        """Return the place of an image on the front-end."""
        path = self.folder / "var" / "datastores" / "1" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def clean(self) -> None:
        """Remove all files of the VM and all images, and choose another VM."""
        for host in ("", *HOSTS):
            shutil.rmtree(self.vm(host).parent, ignore_errors=True)
        shutil.rmtree(self.folder / "var", ignore_errors=True)
        for path in Path("/var/tmp").glob(f"one-locks-*/vm-{self.vm_id}.*"):
            path.unlink()
        self.vm_id = random.randrange(10**6, 10**9)


@contextmanager
def running_hosts(folder: Path) -> Iterator[PretendHosts]:
    """Run the hosts for the length of a block.

    :param folder: an empty folder
    """
    hosts = PretendHosts(folder, folder / "datastores", str(folder / "ssh_config"), {})
    hosts.datastores.mkdir()
    with ExitStack() as stack:
        for host in HOSTS:
            (folder / host).mkdir()
            (folder / f"{host}.sshd").mkdir()
            wrapper = ["unshare", "--mount", "sh", "-c", OWN_VIEW, "sh"]
            wrapper += [str(folder / host), str(hosts.datastores)]
            sshd = stack.enter_context(running_sshd(folder / f"{host}.sshd", wrapper=wrapper))
            hosts.sshd[host] = sshd
        Path(hosts.ssh_config).write_text("".join(_entry(host, hosts.sshd[host]) for host in HOSTS))
        yield hosts


def _entry(host: str, sshd: Sshd) -> str:
    """Return what the one configuration says about a host, and about a mute one beside it."""
    lines = [
        f"Host {host} mute",
        "Hostname 127.0.0.1",
        f"Port {sshd.port}",
        "HostKeyAlias pretend-host",
        f"IdentityFile {sshd.folder}/client_key",
        f"UserKnownHostsFile {sshd.folder}/known_hosts",
    ]
    return "\n".join((f"Host mute\nPort {sshd.mute_port}", *lines, ""))
