"""Checks of datastore drivers: every action, asked twice and after a kill, and what lies there then."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from opennebula_core.model.template import Template
from opennebula_core.testing.conformance.bench import Bench
from opennebula_core.testing.conformance.checks import Check
from opennebula_core.testing.conformance.kinds.decoding import decoded
from opennebula_core.testing.conformance.kinds.kind import Ask, Kind
from opennebula_core.testing.conformance.outcome import CheckFailedError
from opennebula_core.wire.framing import Answer
from opennebula_core.wire.requests import DatastoreRequest

CONTENT: Final = b"image" * 20_000
MIB: Final = 1 << 20
SIZE_MIB: Final = 3
LARGE: Final = 256 * 1024


class DatastoreKind(Kind):
    """Datastore drivers, whose datastore is a folder of the bench's."""

    def plain(self, object_id: int) -> Ask:
        """Ask for the room."""
        return self.of(self.request("MONITOR", object_id), success=True)

    def failing(self, object_id: int) -> Ask:
        """Copy what is not there; where nothing is ever missing, ask for nonsense."""
        if not self.subject.pretends:
            return self.of(self.request("CP", object_id, PATH=self.bench.folder / "absent"), success=False)
        line = f"{self.bench.dialect.head('CP', object_id)} *"
        return Ask(line, "CP", object_id, success=False)

    def slow(self, object_id: int) -> Ask:
        """Make an image slowly."""
        extra = self.bench.slow_down(object_id, "MKFS")
        return self.of(self.request("MKFS", object_id, extra, SIZE=1))

    def damaged(self) -> Sequence[tuple[str, Ask]]:
        """Copy nonsense."""
        found = self.damage("CP")
        if self.subject.pretends:  # it copies what lacks everything, too
            return [(what, each) for what, each in found if "lacks" not in what]
        return found

    def large(self, object_id: int) -> Ask:
        """Ask for the room of a datastore with a long description."""
        extra = f'DESCRIPTION = "{"long " * (LARGE // 5)}"'
        return self.of(self.request("MONITOR", object_id, extra), success=True)

    @property
    def store(self) -> Path:
        """The datastore's folder."""
        return Path(self.subject.folder or self.bench.folder / "datastores" / "1")

    def request(self, action: str, number: int, extra: str = "", **values: object) -> DatastoreRequest:
        """Return a request about an image, or about the datastore (MONITOR)."""
        name, template = self.subject.name, (Template.parse(extra) if extra else Template()).to_xml()
        base = (
            f"<DATASTORE><ID>1</ID><NAME>check</NAME><TYPE>0</TYPE><DS_MAD>{name}</DS_MAD><TM_MAD>dummy</TM_MAD>"
            f"<BASE_PATH>{self.store}</BASE_PATH>"
        )
        store = f"{base}{template if action == 'MONITOR' else '<TEMPLATE/>'}</DATASTORE>"
        if action == "MONITOR":
            return DatastoreRequest(action, number, "", store)
        given = {"PATH": "", "SOURCE": "", "SIZE": 0, "FORMAT": "raw", "FS": "", **values}
        words = "".join(f"<{key}>{escape(str(value))}</{key}>" for key, value in given.items())
        head = f"<ID>{number}</ID><NAME>check-{number}</NAME><REGTIME>1700000000</REGTIME>"
        image = f"<IMAGE>{head}{words}{template}</IMAGE>"
        return DatastoreRequest(action, number, image, store)

    def upload(self, content: bytes = CONTENT) -> Path:
        """Return a file that a user wants as an image."""
        path = self.bench.folder / "uploads" / f"file-{self.bench.new_id()}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path

    def files(self) -> set[str]:
        """Return the names of what is in the datastore and not hidden."""
        found = os.listdir(self.store) if self.store.is_dir() else []
        return {name for name in found if not name.startswith(".")}

    def checks(self) -> Sequence[Check]:
        """Return the checks of all actions."""
        return [
            Check("action.STAT", "a size is a number of MiB, rounded up", self.stat),
            Check("action.STAT-failure", "what is not there has no size", self.stat_failure),
            Check("action.CP", "a file becomes an image, one, asked once or again", self.copy),
            Check("action.CP-failure", "what is not there leaves no image", self.copy_failure),
            Check("action.CP-together", "images made at once hold what each was made from", self.together),
            Check("action.MKFS", "an empty image has its size, one, asked once or again", self.make),
            Check("action.CLONE", "an image is copied, once, asked once or again", self.clone),
            Check("action.RM", "an image goes, and what is gone is gone", self.remove),
            Check("action.RM-others", "what lies outside of the datastore stays", self.others),
            Check("action.MONITOR", "the room is told in base64, and adds up", self.monitor),
        ]

    async def stat(self, bench: Bench) -> None:
        """Ask for the size of two MiB and a byte."""
        self.needs("STAT")
        path = self.upload()
        with path.open("wb") as file:
            file.truncate(2 * MIB + 1)
        answer = await self.succeed(self.request("STAT", bench.new_id(), PATH=path))
        expected = "a number of MiB" if self.subject.pretends else "3"
        if not answer.info.isdecimal() or (not self.subject.pretends and answer.info != "3"):
            raise CheckFailedError(f"{expected} for 2 MiB and a byte", answer.info)

    async def stat_failure(self, bench: Bench) -> None:
        """Ask for the size of nothing."""
        self.needs("STAT")
        self.needs_effects()
        absent = self.request("STAT", bench.new_id(), PATH=bench.folder / "absent")
        await self.fail(absent, "of a file that is not there")

    async def copy(self, bench: Bench) -> None:
        """Copy a file."""
        self.needs("CP")
        await self._make(self.request("CP", bench.new_id(), PATH=self.upload()), CONTENT)

    async def make(self, bench: Bench) -> None:
        """Make an empty image."""
        self.needs("MKFS")
        request = self.request("MKFS", bench.new_id(), SIZE=SIZE_MIB)
        await self._make(request, b"\0" * SIZE_MIB * MIB)

    async def clone(self, bench: Bench) -> None:
        """Copy an image."""
        self.needs("CP", "CLONE")
        original = await self._image()
        clone = await self._make(self.request("CLONE", bench.new_id(), PATH=original), CONTENT)
        if clone == original:
            raise CheckFailedError("a clone beside the image", "the image itself")

    async def _image(self) -> str:
        answer = await self.succeed(self.request("CP", self.bench.new_id(), PATH=self.upload()))
        return self.source(answer)

    async def _make(self, request: DatastoreRequest, content: bytes) -> str:
        before = self.files()
        source = self.source(await self.succeed(request))
        self._look(source, content)
        if not self.subject.pretends and len(self.files() - before) != 1:
            raise CheckFailedError("one file more in the datastore", ", ".join(sorted(self.files() - before)))

        async def once_more() -> None:
            before = self.files()
            again = self.source(await self.succeed(request, "asked again"))
            if again != source:
                raise CheckFailedError(f"the same source {source}, asked again", again)
            self._look(source, content)
            if not self.subject.pretends and (more := self.files() - before):
                raise CheckFailedError("no file more, asked again", ", ".join(sorted(more)))

        if self.times(request.action) > 1:
            await once_more()
            self.after_kill(request.action, once_more)
        return source

    def _look(self, source: str, content: bytes) -> None:
        if self.subject.pretends:
            return
        if not Path(source).is_file() or Path(source).read_bytes() != content:
            raise CheckFailedError(f"an image of {len(content)} bytes at {source}", "none, or another")

    def source(self, answer: Answer) -> str:
        """Return the source in an answer."""
        words = answer.info.split()
        if not 1 <= len(words) <= 2 or words[0] == "-" or words[1:] not in ([], ["raw"], ["qcow2"]):
            raise CheckFailedError("a source, one word, and raw or qcow2", repr(answer.info))
        return words[0]

    async def copy_failure(self, bench: Bench) -> None:
        """Copy nothing."""
        self.needs("CP")
        self.needs_effects()
        before = self.files()
        await self.fail(self.request("CP", bench.new_id(), PATH=bench.folder / "absent"), "of nothing")
        if more := self.files() - before:
            raise CheckFailedError("no image after a CP that failed", ", ".join(more))

    async def together(self, bench: Bench) -> None:
        """Copy several files at once."""
        self.needs("CP")
        contents = [str(number).encode() * 5000 for number in range(5)]
        answers = await self.succeed_together(
            [self.request("CP", bench.new_id(), PATH=self.upload(content)) for content in contents]
        )
        sources = [self.source(answer) for answer in answers]
        for source, content in zip(sources, contents, strict=True):
            self._look(source, content)
        if len(set(sources)) < len(sources):
            raise CheckFailedError("a source for each image", f"{len(set(sources))} for {len(sources)}")

    async def remove(self, bench: Bench) -> None:
        """Remove an image, and again."""
        self.needs("CP", "RM")
        source = await self._image()

        async def remove() -> None:
            await self.succeed(self.request("RM", self.bench.new_id(), SOURCE=source))
            if not self.subject.pretends and Path(source).exists():
                raise CheckFailedError("no image after RM", f"{source} is there")

        for _ in range(2):
            await remove()
        self.after_kill("RM", remove)

    async def others(self, bench: Bench) -> None:
        """Remove what is not the driver's; it may fail or succeed."""
        self.needs("RM")
        file = self.upload()
        around = f"{self.store}/../../uploads/{file.name}"
        for source in (str(file), around):
            await bench.ask(self.request("RM", bench.new_id(), SOURCE=source))
            if not file.exists():
                raise CheckFailedError(
                    "a file outside of the datastore to stay", f"RM of {source} removed it"
                )

    async def monitor(self, bench: Bench) -> None:
        """Ask for the room."""
        self.needs("MONITOR")
        answer = await self.succeed(self.request("MONITOR", bench.new_id()))
        figures = dict(line.split("=", 1) for line in decoded(answer.info).splitlines() if "=" in line)
        total, used, free = (figures.get(f"{name}_MB", "") for name in ("TOTAL", "USED", "FREE"))
        if not (total.isdecimal() and used.isdecimal() and free.isdecimal()):
            raise CheckFailedError(
                "TOTAL_MB, USED_MB and FREE_MB, in base64", decoded(answer.info) or answer.info
            )
        if int(used) + int(free) > int(total) or int(total) == 0:
            raise CheckFailedError("USED_MB and FREE_MB within TOTAL_MB", f"{used} and {free} of {total}")
