"""Transfer drivers as a process: TRANSFER runs a script, line by line, with the drivers that it names."""

from __future__ import annotations

from pathlib import Path

from opennebula_core.errors import DriverError
from opennebula_core.wire.framing import RequestLine
from opennebula_core.wire.services.report import WireReport
from opennebula_core.wire.services.service import Job, Service
from opennebula_core.wire.services.transfer import TransferRunner, target_host
from opennebula_core.wire.transfer_script import Script, parse_script


class TmService(Service):
    """Runs transfer scripts; the first command that fails ends a script."""

    kind = "tm"

    def load(self) -> None:
        """Load the driver that the process was started for; others follow when a script names them."""
        self.drivers.get(self.kind, self.name)

    def job(self, request: RequestLine, report: WireReport) -> Job:
        """Read the script that a TRANSFER names.

        :raises DriverError: it is not there, or a line of it is none
        """
        if request.action != "TRANSFER":
            raise NotImplementedError
        if not request.words:
            raise DriverError(f"TRANSFER of VM {request.object_id}: no script is named; name one")
        script = parse_script(_text(Path(request.words[0])))
        hosts = [host for command in script.commands if (host := target_host(command))]
        return Job(hosts[-1] if hosts else "", lambda: self._run(script, report))

    async def _run(self, script: Script, report: WireReport) -> str:
        runner = TransferRunner(self.drivers)
        for command in script.commands:
            await runner.run(command, report, script.attempt)
        return ""


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        raise DriverError(f"Transfer file '{path}' does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DriverError(f"Transfer file '{path}' cannot be read: {error}") from error
