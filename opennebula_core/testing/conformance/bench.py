"""The bench on which a driver is tested: a place of its own, numbers for objects, and runs of the driver."""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from opennebula_core.dummy.behaviour import write_control
from opennebula_core.testing.conformance.outcome import CheckFailedError, CheckSkippedError
from opennebula_core.testing.conformance.processes import MARK
from opennebula_core.testing.conformance.session import Session
from opennebula_core.testing.conformance.subject import Subject
from opennebula_core.wire.dialects import Dialect, dialect_for, own_dialect
from opennebula_core.wire.framing import Answer
from opennebula_core.wire.requests import Request

FIRST_ID: Final = 1001
"""Ids of objects on the bench: guests of other people on the same hosts hardly have them."""

DUMMY: Final = "dummy"
DUMMY_DELAY_S: Final = 0.8
DUMMY_KINDS: Final[Mapping[str, str]] = {"vnm": "vmm"}
NEEDS_SLOW: Final = (
    "nothing is known that takes the driver a while; say under `slow` in the file of --file what does"
)


class Bench:
    """Starts the driver under test, and leaves nothing of it."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.folder = Path(tempfile.mkdtemp(prefix="check-"))
        self.location = self.folder / "one"
        self.dialect = self._dialect()
        self.last: Session | None = None
        """The run that was used last, for reports."""
        self._ids = itertools.count(FIRST_ID)
        self._sessions: list[Session] = []
        self._shared: Session | None = None
        self._slow: list[int] = []
        self._prepare()

    def _dialect(self) -> Dialect:
        kind = DUMMY_KINDS.get(self.subject.kind, self.subject.kind)
        return own_dialect(kind) if self.subject.is_own else dialect_for(kind, self.subject.dialect)

    def _prepare(self) -> None:
        for name in ("etc", "var", "var/log"):
            (self.location / name).mkdir(parents=True)
        (self.location / "var" / "config").write_text(
            f"DATASTORE_LOCATION={self.folder}\nSCRIPTS_REMOTE_DIR={self.folder}/remotes\n"
        )
        if self.subject.config:
            shutil.copy(self.subject.config, self.location / "etc" / "oned.toml")

    def new_id(self) -> int:
        """Return the id of an object that was never asked for."""
        return next(self._ids)

    @property
    def is_dummy(self) -> bool:
        """Whether the driver is one of the kernel's dummies, which take as long as they are told."""
        return self.subject.is_own and (self.subject.name == DUMMY or self.subject.kind == "vnm")

    def slow_down(self, object_id: int, action: str) -> str:
        """Have an action on an object take a while; returns the attributes to say so with.

        :param action: what the dummy drivers call it

        :raises CheckSkippedError: nobody knows how
        """
        if self.subject.slow:
            return self.subject.slow
        if not self.is_dummy:
            raise CheckSkippedError(NEEDS_SLOW)
        self._slow.append(object_id)
        kind = DUMMY_KINDS.get(self.subject.kind, self.subject.kind)
        rule = {"delay_s": DUMMY_DELAY_S, "vm_ids": self._slow}
        write_control(self.location, {f"{kind}/{action}": rule})
        return ""

    def encode(self, request: Request) -> str:
        """Return the line of a request."""
        return self.dialect.encode(request)

    async def start(self, *, ready: bool = True, without_stderr: bool = False) -> Session:
        """Start the driver, ready for requests."""
        session = await Session.start(
            self.subject.command,
            self.location / "var",
            {**self._environment(), MARK: secrets.token_hex(8)},
            self.subject.limits,
            without_stderr=without_stderr,
        )
        self._sessions.append(session)
        self.last = session
        if ready:
            await session.ready()
        return session

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "LC_ALL": "C.UTF-8",
            **self.subject.environment,
            "ONE_LOCATION": str(self.location),
        }

    async def driver(self) -> Session:
        """Return a running driver that checks share; it is started when there is none."""
        if self._shared is None or self._shared.is_at_end:
            self._shared = await self.start()
        self.last = self._shared
        return self._shared

    async def ask(self, request: Request) -> Answer:
        """Ask the shared driver and return its answer."""
        driver = await self.driver()
        return await driver.ask(self.encode(request), self.dialect.wire_action(request), request.object_id)

    async def killed(self) -> None:
        """Kill the shared driver; the next request gets a new one."""
        if self._shared is not None:
            self._shared.exchange.append("  (killed and started again)")
            exchange = self._shared.exchange
            await self._shared.kill()
            self._shared = None
            (await self.driver()).exchange[:0] = exchange

    async def after(self, *, failed: bool) -> None:
        """End what a check has left running; a driver that did as it should goes on for the next check."""
        for session in self._sessions:
            if failed or session is not self._shared:
                await session.kill()
        if failed:
            self._shared = None
        self._sessions = [self._shared] if self._shared is not None else []

    def raise_faults(self) -> None:
        """Raise what a driver in use wrote and may not write."""
        for session in self._sessions:
            session.raise_faults()

    def forget_exchange(self) -> None:
        """Begin a new report on what is said."""
        if self._shared is not None:
            self._shared.exchange = []

    async def close(self) -> None:
        """End everything and remove the bench's folder."""
        await self.after(failed=True)
        self.discard()

    def discard(self) -> None:
        """Remove the folder of a bench on which nothing was started."""
        shutil.rmtree(self.folder, ignore_errors=True)

    async def end_shared(self) -> None:
        """Have the shared driver end as the core would.

        :raises CheckFailedError: it does not, or not well
        """
        if self._shared is None:
            return
        self.last = self._shared
        status = await self._shared.finish()
        if status != 0:
            raise CheckFailedError("status 0 at the end", f"status {status}")
