"""The cloud's own programs: whether they run, and whether the API answers."""

from __future__ import annotations

import time
from collections.abc import Iterator

from opennebula_core.cli.application import Application
from opennebula_core.cli.doctor.findings import Finding, error, ok, warning
from opennebula_core.cli.processes import DAEMON, SCHEDULER
from opennebula_core.config.location import Location
from opennebula_core.config.pid_file import running_pid
from opennebula_core.errors import AuthenticationError, ConfigError, OpenNebulaError

SLOW_S = 1.0


def examine_programs(location: Location) -> Iterator[Finding]:
    """Yield whether daemon and scheduler run."""
    meaning = {DAEMON: "nobody can call", SCHEDULER: "pending VMs are not placed"}
    for program, harm in meaning.items():
        try:
            pid = running_pid(location, program)
        except PermissionError as problem:
            yield error("programs", f"{program}: {problem}", "run this as the user that the cloud runs as")
            continue
        if pid:
            yield ok("programs", f"{program} runs, process {pid}")
        else:
            yield error("programs", f"{program} does not run: {harm}",
                        f"one start; why it ended: {location.log_file(program)}")  # fmt: skip


def examine_api(application: Application) -> Iterator[Finding]:
    """Yield whether the API answers, and how fast."""
    try:
        client = application.client
        begun = time.monotonic()
        version = client.text("one.system.version")
        # Anybody is told the version; this needs the session.
        client.element("one.user.info", -1, False)
        took_s = time.monotonic() - begun
    except AuthenticationError as problem:
        yield error("api", str(problem), "correct the file that ONE_AUTH names (else one_auth)")
    except ConfigError as problem:
        yield error("api", str(problem), "one start, or set ONE_AUTH")
    except OpenNebulaError as problem:
        yield error("api", str(problem), "one status; one start")
    else:
        said = f"{client.endpoint} answers as {version} in {took_s * 1000:.0f} ms"
        if took_s > SLOW_S:
            yield warning("api", said, "see what else the machine does: top; var/log/oned.log")
        else:
            yield ok("api", said)
