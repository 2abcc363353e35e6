"""Checks of information drivers: how watching a host begins, what comes of it, and its end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from opennebula_core.errors import ConfigError, OpenNebulaError
from opennebula_core.model.template import Template
from opennebula_core.testing.conformance.bench import Bench
from opennebula_core.testing.conformance.checks import Check
from opennebula_core.testing.conformance.kinds.kind import Ask, Kind
from opennebula_core.testing.conformance.kinds.receiver import Receiver
from opennebula_core.testing.conformance.outcome import CheckFailedError, CheckSkippedError
from opennebula_core.wire.dialects.base import parse_release
from opennebula_core.wire.framing import Answer
from opennebula_core.wire.monitoring import pack, parse_bundle, unpack
from opennebula_core.wire.requests import MonitorRequest

LARGE: Final = 256 * 1024
OLDEST: Final = (5, 12)
LISTEN_PERIODS: Final = 2.6
MOST: Final = 4
"""Messages of a type in so many periods: two or three; twice as many are two watches."""

FIRST_PERIODS: Final = 4.0
QUIET_PERIODS: Final = 1.7
STOP_S: Final = 0.3


class ImKind(Kind):
    """Information drivers of OpenNebula 5.12 and later."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        if not self.subject.is_own and parse_release(self.subject.dialect) < OLDEST:
            raise ConfigError(
                f"check an information driver of {self.subject.dialect}: only those of 5.12 and later can be "
                f"checked; use a newer one"
            )

    def plain(self, object_id: int) -> Ask:
        """Stop watching what is not watched."""
        return self.of(self.request("STOP_MONITOR", object_id), success=True)

    def failing(self, object_id: int) -> Ask:
        """Watch nonsense."""
        return self._odd(object_id, "*not-base64*")

    def slow(self, object_id: int) -> Ask:
        """Begin to watch slowly."""
        extra = self.bench.slow_down(object_id, "PROBE")
        return self.of(self.request("START_MONITOR", object_id, extra=extra))

    async def undo(self, object_id: int) -> None:
        """Stop watching."""
        await self.bench.ask(self.request("STOP_MONITOR", object_id))

    def damaged(self) -> Sequence[tuple[str, Ask]]:
        """Watch nonsense of all sorts."""
        rubbish = {
            "a payload that is no base64": "*not-base64*",
            "a payload that is not packed": "c3VjaCBpcyBsaWZl",
            "a payload that is cut off": pack("<A/>")[:-8],
            "a payload that is no document": pack("such is life"),
            "a document without a host": pack("<MONITOR_DRIVER_ACTION/>"),
            "a document that is cut off": pack("<MONITOR_DRIVER_ACTION><HOST><ID>7"),
        }
        return [(what, self._odd(self.bench.new_id(), payload)) for what, payload in rubbish.items()]

    def _odd(self, number: int, payload: str) -> Ask:
        return Ask(f"START_MONITOR - {number} 0 {payload}", "START_MONITOR", number, success=False)

    def large(self, object_id: int) -> Ask:
        """Stop watching a host with a long description."""
        extra = f'DESCRIPTION = "{"long " * (LARGE // 5)}"'
        return self.of(self.request("STOP_MONITOR", object_id, extra=extra), success=True)

    def request(
        self, action: str, number: int, *, port: int = 9, extra: str = "", name: str = ""
    ) -> MonitorRequest:
        """Return a request about a host; messages go to a port of this machine."""
        subject, period = self.subject, f"{self.subject.period_s:g}"
        template = (Template.parse(extra) if extra else Template()).to_xml()
        host = (
            f"<HOST><ID>{number}</ID><NAME>{escape(name or subject.host)}</NAME><STATE>2</STATE>"
            f"<IM_MAD>{subject.name}</IM_MAD><VM_MAD>{subject.name}</VM_MAD>{template}</HOST>"
        )
        names = ("BEACON_HOST", "SYSTEM_HOST", "MONITOR_HOST", "STATE_VM", "MONITOR_VM", "SYNC_STATE_VM")
        periods = "".join(f"<{each}>{period}</{each}>" for each in names)
        network = "<ADDRESS>127.0.0.1</ADDRESS><MONITOR_ADDRESS>127.0.0.1</MONITOR_ADDRESS>"
        configuration = (
            f"<MONITOR_CONFIGURATION><NETWORK>{network}<PORT>{port}</PORT></NETWORK>"
            f"<PROBES_PERIOD>{periods}</PROBES_PERIOD></MONITOR_CONFIGURATION>"
        )
        return MonitorRequest(action, number, host, configuration)

    def checks(self) -> Sequence[Check]:
        """Return the checks."""
        return [
            Check(
                "action.START_MONITOR", "a host is watched, asked once or again or after a kill", self.start
            ),
            Check(
                "action.messages",
                "what is sent of a host can be read, and comes once a period",
                self.messages,
            ),
            Check("action.STOP_MONITOR", "nothing more is sent of a host that is not watched", self.stop),
            Check("action.end", "nothing more is sent after the driver's end", self.end),
            Check("action.unreachable", "a host that cannot be reached is a failure", self.unreachable),
        ]

    async def start(self, bench: Bench) -> None:
        """Begin to watch, again, and after a kill."""
        request = self.request("START_MONITOR", bench.new_id())

        async def start() -> None:
            self._readable(await self.succeed(request))

        async def once_more() -> None:
            await start()
            for _ in range(2):
                await self.succeed(self.request("STOP_MONITOR", request.host_id))

        await start()
        await start()
        self.after_kill("START_MONITOR", once_more)

    def _readable(self, answer: Answer) -> None:
        words = answer.info.split()
        if not words or words == ["-"] or (len(words) == 1 and words[0].isdecimal()):
            return
        try:
            parse_bundle(answer.object_id, unpack(words[-1]))
        except OpenNebulaError as error:
            raise CheckFailedError(
                "a time and packed messages in the answer to START_MONITOR", str(error)
            ) from None

    async def messages(self, bench: Bench) -> None:
        """Listen to a host that was asked for twice."""
        async with Receiver() as receiver:
            request = self.request("START_MONITOR", bench.new_id(), port=receiver.port)
            for _ in range(2):
                await self.succeed(request)
            await self._first(receiver)
            receiver.forget()
            await asyncio.sleep(self.subject.period_s * LISTEN_PERIODS)
            await self.undo(request.host_id)
            receiver.check(request.host_id)
            counts = Counter(receiver.types)
        often = [f"{count} of {type_}" for type_, count in counts.items() if count > MOST]
        if often:
            raise CheckFailedError(
                f"up to {MOST} messages of a type in {LISTEN_PERIODS:g} periods", ", ".join(often)
            )
        if not counts:
            raise CheckFailedError("messages in each period", f"none in {LISTEN_PERIODS:g} periods")

    async def _first(self, receiver: Receiver) -> None:
        if not await receiver.hears_within(self.subject.period_s * FIRST_PERIODS + self.subject.limits.end):
            raise CheckFailedError("messages of a host that is watched", "none")

    async def stop(self, bench: Bench) -> None:
        """Stop watching and listen."""
        async with Receiver() as receiver:
            request = self.request("START_MONITOR", bench.new_id(), port=receiver.port)
            await self.succeed(request)
            await self._first(receiver)
            await self.succeed(self.request("STOP_MONITOR", request.host_id))
            await self._quiet(receiver, "STOP_MONITOR")

    async def end(self, bench: Bench) -> None:
        """End the driver and listen."""
        async with Receiver() as receiver:
            session = await bench.start()
            request = self.of(self.request("START_MONITOR", bench.new_id(), port=receiver.port))
            await session.ask(request.line, request.action, request.object_id)
            # What sends has begun by then; that nothing comes at all is another check's to find.
            await receiver.hears_within(self.subject.period_s * QUIET_PERIODS)
            await session.finish()
            await self._quiet(receiver, "FINALIZE")

    async def _quiet(self, receiver: Receiver, word: str) -> None:
        await asyncio.sleep(STOP_S)
        receiver.forget()
        if await receiver.hears_within(self.subject.period_s * QUIET_PERIODS):
            raise CheckFailedError(f"no more messages after {word}", ", ".join(receiver.types) or "one")

    async def unreachable(self, bench: Bench) -> None:
        """Watch what is not there."""
        if not self.subject.unreachable:
            raise CheckSkippedError(
                "no such host is known; say one under `unreachable` in the file of --file"
            )
        request = self.request("START_MONITOR", bench.new_id(), name=self.subject.unreachable)
        answer = await bench.ask(request)
        await self.undo(request.host_id)
        if answer.result != "FAILURE":
            raise CheckFailedError(f"FAILURE of START_MONITOR of {self.subject.unreachable}", answer.result)
