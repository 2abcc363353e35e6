"""How transfer drivers are asked: the path of a script, whose text is that of their release."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from opennebula_core.errors import DriverError
from opennebula_core.wire.dialects.base import Dialect
from opennebula_core.wire.requests import Request, TransferRequest
from opennebula_core.wire.transfer_script import (
    SYSTEM_SUFFIX_SINCE,
    VERBS_SINCE,
    parse_script,
    translate_script,
)

REPEATABLE_VERBS: Final = frozenset({"CLONE", "MKSWAP", "MKIMAGE", "CONTEXT", "DELETE"})
"""Upstream's scripts overwrite or find nothing to do; a second MV, LN or MVDS fails or loses data."""


class TmDialect(Dialect):
    """``TRANSFER ID FILE``. Source: 1.4-tm.txt to 7.4-tm.txt, 6.10.5-core-transfer-files.txt."""

    kind = "tm"

    @property
    def actions(self) -> frozenset[str]:
        """There is one."""
        return frozenset({"TRANSFER"})

    @property
    def resend_safe(self) -> frozenset[str]:
        """It depends on the script: see :meth:`may_resend`."""
        return frozenset()

    @property
    def described_actions(self) -> frozenset[str]:
        """The verbs that its scripts may hold."""
        return frozenset(verb for verb, since in VERBS_SINCE.items() if since <= self.release)

    def may_resend(self, request: Request) -> bool:
        """Whether each command of the script may run twice."""
        try:
            script = parse_script(_script_path(request).read_text())
        except (OSError, DriverError):
            return False
        return all(command.verb in REPEATABLE_VERBS for command in script.commands)

    def encode(self, request: Request) -> str:
        """Return the line; for an older release the script is written anew beside the original first."""
        path = _script_path(request)
        if any(c.isspace() for c in str(path)):
            raise DriverError(
                f"TRANSFER of VM {request.object_id}: the path {str(path)!r} holds a blank, which the driver "
                f"protocol cannot carry; use a ONE_LOCATION without blanks"
            )
        if self.release < SYSTEM_SUFFIX_SINCE:
            path = self._translated(path)
        return f"{self.head('TRANSFER', request.object_id)} {path}"

    def _translated(self, path: Path) -> Path:
        target = path.with_name(f"{path.name}.{self.release[0]}.{self.release[1]}")
        try:
            target.write_text(translate_script(path.read_text(), self.release))
        except OSError as error:
            raise DriverError(f"transfer script {str(path)!r}: {error.strerror}; see its folder") from error
        return target


def _script_path(request: Request) -> Path:
    assert isinstance(request, TransferRequest)
    return Path(request.script_path)
