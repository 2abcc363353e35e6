"""What is asked of transfer drivers, and what is where afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from opennebula_core.testing.conformance.kinds.kind import Ask, Kind
from opennebula_core.testing.conformance.outcome import CheckFailedError
from opennebula_core.wire.requests import TransferRequest

CONTENT: Final = b"disk" * 20_000
MIB: Final = 1 << 20
LARGE: Final = 256 * 1024


class TransferRequests(Kind):
    """Transfer drivers, without their checks, on this machine: the front-end and the host are one."""

    def plain(self, object_id: int) -> Ask:
        """Run a script without a command."""
        return self.of(self.script(object_id, "# nothing to do"), success=True)

    def failing(self, object_id: int) -> Ask:
        """Run a script that is not there."""
        absent = self.bench.folder / f"absent.{object_id}"
        return self.of(TransferRequest(object_id, absent), success=False)

    def slow(self, object_id: int) -> Ask:
        """Make a disk slowly."""
        extra = self.bench.slow_down(object_id, "MKIMAGE")
        disk = self.at(self.folder(object_id) / "disk.0")
        return self.of(self.script(object_id, f"{extra}\nMKIMAGE {self.name} 1 raw {disk} {object_id} 0"))

    def damaged(self) -> Sequence[tuple[str, Ask]]:
        """Run nonsense."""
        found = []
        for what, text in (
            ("a verb that nobody knows", f"FROBNICATE {self.name} a:/x b:/y 7 0"),
            ("a command without its words", f"CLONE {self.name} 7 0"),
        ):
            found.append((what, self.of(self.script(self.bench.new_id(), text), success=False)))
        number = self.bench.new_id()
        bare = Ask(self.bench.dialect.head("TRANSFER", number), "TRANSFER", number, success=False)
        found.append(("no script", bare))
        folder = Ask(f"{bare.line} {self.bench.folder}", "TRANSFER", number, success=False)
        found.append(("a folder for a script", folder))
        return found

    def large(self, object_id: int) -> Ask:
        """Run a long script without a command."""
        return self.of(self.script(object_id, "# a comment\n" * (LARGE // 12)), success=True)

    @property
    def name(self) -> str:
        """The word for the driver in scripts."""
        return self.subject.name

    def folder(self, object_id: int) -> Path:
        """Return the folder of a VM on the host."""
        return Path(self.subject.folder or self.bench.folder) / "datastores" / "0" / str(object_id)

    def at(self, path: Path) -> str:
        """Return a path as scripts name it."""
        return f"{self.subject.host}:{path}"

    def image(self, object_id: int) -> Path:
        """Return an image of a VM's own, which is made."""
        path = self.bench.folder / "datastores" / "1" / f"image-{object_id}" / "image"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(CONTENT)
        return path

    def script(self, object_id: int, text: str, attempt: int = 1) -> TransferRequest:
        """Write a script and return the request to run it."""
        file = self.bench.location / "var" / "vms" / str(object_id) / "transfer.0.prolog"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text((f"#% ATTEMPT={attempt}\n" if attempt > 1 else "") + text + "\n")
        return TransferRequest(object_id, file)

    async def run(
        self, vm_id: int, text: str, then: Callable[[], None] | None = None, *, times: int = 0
    ) -> None:
        """Run lines, again, and after a kill; ``then`` looks at what has come of it each time.

        :param times: only so often; 0: also after a kill
        """
        verb = text.split()[0]

        async def once(attempt: int) -> None:
            await self.succeed(self.script(vm_id, text, attempt), "run again" if attempt > 1 else "")
            if then is not None and not self.subject.pretends:
                then()

        await once(1)
        if times == 1 or self.times(verb) == 1:
            return
        await once(2)
        if not times:
            self.after_kill(verb, lambda: once(2))

    def line(self, verb: str, *words: object, vm_id: int, datastore_id: int = 0) -> str:
        """Return a command of a script."""
        return " ".join(map(str, (verb, self.name, *words, vm_id, datastore_id)))

    def must_hold(self, path: Path, content: bytes = CONTENT, size: int = 0) -> None:
        """Make sure that a disk is what it should be, and that nothing lies beside it."""
        if not path.is_file():
            raise CheckFailedError(f"the file {path.name}", "it is not there")
        found = path.read_bytes()
        if not found.startswith(content) or (size and len(found) != size):
            whole = f", {size} bytes" if size else ""
            raise CheckFailedError(f"{path.name} to hold what it was made from{whole}", f"{len(found)} bytes")
        beside = [each.name for each in path.parent.iterdir() if not each.name.startswith(".")]
        if beside != [path.name]:
            raise CheckFailedError(f"nothing but {path.name} in its folder", ", ".join(sorted(beside)))

    def must_be_gone(self, path: Path) -> None:
        """Make sure that there is no such file."""
        if path.exists() and not self.subject.pretends:
            raise CheckFailedError(f"no {path.name}", "it is there")

    async def cloned(self, vm_id: int) -> Path:
        """Make a disk and return where it is."""
        disk = self.folder(vm_id) / "disk.0"
        await self.run(vm_id, self.line("CLONE", self.image(vm_id), self.at(disk), vm_id=vm_id), times=1)
        return disk
