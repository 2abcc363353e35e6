"""``virsh`` on a host: the only way in which this driver talks to libvirt."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

from opennebula_core.errors import DriverError, RemoteError
from opennebula_core.remote import Completed, Remote
from opennebula_vmm_kvm.scripts import CANCEL, STATE
from opennebula_vmm_kvm.states import DomainState

STANDARD_INPUT = "/dev/stdin"
"""virsh reads a description from here, so that passwords in it are in no file and no process list."""

_MARKS = re.compile(r"\A(?:error:\s*|internal error:\s*)+")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]*\Z")


class Virsh:
    """Runs virsh on hosts.

    :param uri: the libvirt as seen on the host
    :param timeout: for calls that name none
    """

    def __init__(self, remote: Remote, uri: str, timeout: timedelta) -> None:
        self._remote = remote
        self._uri = uri
        self._timeout = timeout

    async def run(
        self,
        host: str,
        words: Sequence[str],
        *,
        stdin: str = "",
        lock: str | None = None,
        timeout: timedelta | None = None,
    ) -> str:
        """Run ``virsh WORDS`` and return what it prints.

        :raises DriverError: it fails, with what it says
        """
        argv = ["virsh", "-q", "-c", self._uri, *words]
        completed = await self._on_host(host, argv, stdin, lock, timeout)
        return checked(completed, host, words[0])

    async def script(
        self,
        host: str,
        text: str,
        arguments: Sequence[str],
        *,
        lock: str | None = None,
        timeout: timedelta | None = None,
    ) -> str:
        """Run one of our scripts, which get the URI as ``$1``, and return what it prints.

        :raises DriverError: it fails, with what it says
        """
        argv = ["sh", "-s", "--", self._uri, *arguments]
        return checked(await self._on_host(host, argv, text, lock, timeout), host, "")

    async def feed(
        self, host: str, text: str, arguments: Sequence[str], stdin: bytes | str, *, lock: str
    ) -> Completed:
        """Run one of our scripts that reads ``stdin``, and return how it ended.

        :raises DriverError: the host cannot be reached, or it took too long
        """
        argv = ["sh", "-c", text, "sh", self._uri, *arguments]
        return await self._on_host(host, argv, stdin, lock)

    async def remove(self, host: str, path: str) -> None:
        """Remove a file on a host; one that is gone is fine.

        :raises DriverError: it is still there
        """
        completed = await self._on_host(host, ["rm", "-f", "--", path])
        if completed.status != 0:
            raise DriverError(f"remove {path} on {host!r}: {reason_of(completed)}")

    async def _on_host(
        self,
        host: str,
        argv: Sequence[str],
        stdin: bytes | str = b"",
        lock: str | None = None,
        timeout: timedelta | None = None,
    ) -> Completed:
        limit = timeout or self._timeout
        try:
            return await self._remote.run(host, argv, stdin=stdin, lock=lock, timeout=limit, check=False)
        except RemoteError as error:
            raise DriverError(str(error)) from error

    async def state(self, host: str, name: str) -> DomainState:
        """Return the state of a domain.

        :raises DriverError: libvirt does not answer; a domain that is not there is no error
        """
        return DomainState.parse(await self.script(host, STATE, [name]))

    async def cancel(self, host: str, name: str, lock: str) -> None:
        """End a domain at once and forget its definition; one that is gone is fine."""
        await self.script(host, CANCEL, [name], lock=lock)


def checked(completed: Completed, host: str, action: str) -> str:
    """Return the output of a command that went well.

    :raises DriverError: it did not
    """
    if completed.status == 0:
        return completed.stdout
    raise DriverError(f"{f'virsh {action}'.strip()} on {host!r}: {reason_of(completed)}")


def reason_of(completed: Completed) -> str:
    """Return what virsh says in one line, without its own marks and what it says twice."""
    lines = [_MARKS.sub("", line.strip()) for line in completed.stderr.splitlines()]
    told = list(dict.fromkeys(line for line in lines if line))
    if completed.status == 127:
        told.append("install libvirt's clients on the host")
    return "; ".join(told) or f"exit status {completed.status}"


def domain_name(deploy_id: str, vm_id: int) -> str:
    """Return the domain of a VM: its deploy id, or the usual name before it has one.

    :raises DriverError: the deploy id could be taken for an option of virsh
    """
    name = deploy_id if deploy_id not in ("", "-") else f"one-{vm_id}"
    if not _NAME.match(name):
        raise DriverError(f"VM {vm_id}: {name!r} is no name of a domain; correct its DEPLOY_ID")
    return name
