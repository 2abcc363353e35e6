"""The table of executions: made with the event, claimed before the command starts, kept as a log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from opennebula_core.db.connection import Reader, Writer
from opennebula_core.documents.hook import Execution

WAITING, RUNNING, ENDED = "waiting", "running", "ended"
FAILED: Final = 255
"""The exit status of what could not be run, did not end in time, or was never heard of again."""
INTERRUPTED: Final = (
    "the front-end ended while the command ran: whether it has done its work is not known; retry it if not"
)
_INSERT: Final = """INSERT INTO hook_execution
    (hook_id, execution_id, time, status, arguments, remote_host, is_retry)
    SELECT ?, COALESCE(MAX(execution_id) + 1, 0), ?, 'waiting', ?, ?, ? FROM hook_execution
    WHERE hook_id = ?"""
_RECORD: Final = """SELECT hook_id, execution_id, time, arguments, remote_host, is_retry, command, code,
    stdout, stderr FROM hook_execution WHERE status = 'ended'"""
_TRIM: Final = """DELETE FROM hook_execution WHERE hook_id = ? AND status = 'ended' AND execution_id <=
    (SELECT execution_id FROM hook_execution WHERE hook_id = ? AND status = 'ended'
     ORDER BY execution_id DESC LIMIT 1 OFFSET ?)"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """An execution that shall begin now."""

    seq: int
    hook_id: int
    arguments: str
    remote_host: str


def add(writer: Writer, hook_id: int, arguments: str, remote_host: str, *, is_retry: bool = False) -> None:
    """Note that a hook is to be run."""
    values = (hook_id, writer.now, arguments, remote_host, int(is_retry), hook_id)
    writer.execute(_INSERT, values)


def is_full(reader: Reader, hook_id: int, limit: int) -> bool:
    """Return whether so many executions of a hook wait."""
    waiting = """SELECT COUNT(*) FROM
        (SELECT 1 FROM hook_execution WHERE hook_id = ? AND status = 'waiting' LIMIT ?)"""
    return int(reader.value(waiting, (hook_id, limit))) >= limit


def any_waits(reader: Reader) -> bool:
    """Return whether there is anything to run."""
    return reader.one("SELECT 1 FROM hook_execution WHERE status = 'waiting' LIMIT 1") is not None


def claim(writer: Writer, limit: int) -> list[Claimed]:
    """Return executions that wait, the oldest first, and note that they begin: each is begun once."""
    rows = writer.query(
        """SELECT seq, hook_id, arguments, remote_host FROM hook_execution
        WHERE status = 'waiting' ORDER BY seq LIMIT ?""",
        (limit,),
    )
    writer.execute_many(
        "UPDATE hook_execution SET status = 'running', time = ? WHERE seq = ?",
        [(writer.now, row[0]) for row in rows],
    )
    return [Claimed(*row) for row in rows]


def finish(writer: Writer, claimed: Claimed, command: str, code: int, stdout: str, stderr: str) -> None:
    """Keep how an execution ended; of a hook that is gone by now nothing is kept."""
    writer.execute(
        """UPDATE hook_execution SET status = 'ended', command = ?, code = ?, stdout = ?, stderr = ?
        WHERE seq = ?""",
        (command, code, stdout, stderr, claimed.seq),
    )


def trim(writer: Writer, hook_id: int, kept: int) -> None:
    """Keep the newest executions of a hook only."""
    writer.execute(_TRIM, (hook_id, hook_id, kept))


def give_up_interrupted(writer: Writer) -> int:
    """End what the last process left under way, since commands are begun at most once; return how many."""
    return writer.execute(
        "UPDATE hook_execution SET status = 'ended', code = ?, stderr = ? WHERE status = 'running'",
        (FAILED, INTERRUPTED),
    )


def find(reader: Reader, hook_id: int, execution_id: int) -> Execution | None:
    """Return an execution that has ended."""
    row = reader.one(f"{_RECORD} AND hook_id = ? AND execution_id = ?", (hook_id, execution_id))
    return None if row is None else _execution(row)


def log_of(reader: Reader, hook_id: int) -> list[Execution]:
    """Return the log of a hook, the oldest first."""
    rows = reader.query(f"{_RECORD} AND hook_id = ? ORDER BY execution_id", (hook_id,))
    return [_execution(row) for row in rows]


def log_between(reader: Reader, since: int, until: int, hook_id: int, outcome: int) -> list[Execution]:
    """Return the log of all hooks, the oldest first.

    :param since: and ``until``: epoch seconds, negative for no limit
    :param hook_id: one hook only, unless it is negative
    :param outcome: -1 what failed, 1 what succeeded, 0 both
    """
    conditions, values = [_RECORD], []
    for condition, value in (("time >= ?", since), ("time <= ?", until), ("hook_id = ?", hook_id)):
        if value >= 0:
            conditions.append(condition)
            values.append(value)
    if outcome:
        conditions.append("code = 0" if outcome > 0 else "code <> 0")
    rows = reader.query(f"{' AND '.join(conditions)} ORDER BY seq", values)
    return [_execution(row) for row in rows]


def _execution(row: tuple[object, ...]) -> Execution:
    values: list[object] = list(row)
    values[5] = bool(values[5])
    return Execution(*values)  # type: ignore[arg-type]  # the columns have the fields' types
