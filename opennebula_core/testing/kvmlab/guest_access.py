"""Talking to a test guest over HTTP, from inside the lab's network."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from http.client import HTTPConnection, HTTPException

from opennebula_core.testing.kvmlab.blueprint import FRONT_END
from opennebula_core.testing.kvmlab.command import LabError
from opennebula_core.testing.kvmlab.lab import Lab, wait_until

ANSWER_LIMIT_S = 5.0
BOOT_LIMIT = timedelta(seconds=300)
"""A guest takes five seconds to boot when its processor is emulated and nothing else runs, and minutes when a
dozen of them share a processor; what never answers is found out all the same."""


def http(lab: Lab, address: str, path: str, *, body: bytes | None = None) -> str:
    """Return what a guest's web server answers; a body is POSTed.

    :raises LabError: it cannot be reached, or refuses
    """
    with lab.in_network_of(FRONT_END):
        connection = HTTPConnection(address, 80, timeout=ANSWER_LIMIT_S)
        try:
            connection.request("POST" if body is not None else "GET", path, body)
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
        except (OSError, HTTPException) as error:
            raise LabError(
                f"guest at {address}: no answer to {path}: {error or type(error).__name__}"
            ) from None
        finally:
            connection.close()
    if response.status != 200:
        raise LabError(f"guest at {address}: {path} answered status {response.status}")
    return text


def guest_status(lab: Lab, address: str) -> dict[str, str]:
    """Return what a guest says of itself: hostname, uptime, boots, cpus, mem_kb, disks, nics, vmid.

    :raises LabError: it cannot be reached
    """
    lines = http(lab, address, "/cgi-bin/status").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def run_in_guest(lab: Lab, address: str, script: str) -> str:
    """Run a shell script as root in a guest and return what it printed.

    :raises LabError: it cannot be reached, or the script failed
    """
    output, _, status = http(lab, address, "/cgi-bin/run", body=script.encode()).rpartition("rc=")
    if status.strip() != "0":
        raise LabError(f"guest at {address}: script ended with status {status.strip()}: {output.strip()}")
    return output


def wait_for_guest(lab: Lab, address: str, *, limit: timedelta = BOOT_LIMIT) -> dict[str, str]:
    """Wait until a guest has booted and return its status.

    :raises LabError: it has not within ``limit``
    """
    found: dict[str, str] = {}

    def answers() -> bool:
        with suppress(LabError):
            found.update(guest_status(lab, address))
        return bool(found.get("boots"))

    wait_until(answers, f"guest at {address}", limit)
    return found
