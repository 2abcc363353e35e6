"""The store: one writer thread that commits together what is waiting, and readers on snapshots beside it."""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from opennebula_core.config.private_files import close_to_others, database_files, make_private
from opennebula_core.db.connection import Change, Clock
from opennebula_core.db.migrations import migrate
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.errors import StoreError

LOG = logging.getLogger(__name__)
T = TypeVar("T")

MAX_GROUP = 256
"""Jobs committed together at most; bounds how long the first of a group waits."""
OUTBOX_KEPT = 200_000
"""Changes kept for consumers; one that lags further starts anew from the pools."""
READERS = 4
BUSY_TIMEOUT_MS = 10_000
_RECORD_CHANGE = "INSERT INTO outbox (time, kind, object_id, event) VALUES (?, ?, ?, ?)"


class _Job:
    """A piece of work for the writer, and where its outcome goes."""

    __slots__ = ("callbacks", "changes", "error", "future", "loop", "result", "work")

    def __init__(self, work: Callable[[Transaction], Any], loop: asyncio.AbstractEventLoop | None) -> None:
        self.work = work
        self.loop = loop
        self.future: Any = loop.create_future() if loop is not None else Future()
        self.result: Any = None
        self.error: BaseException | None = None
        self.changes: list[Any] = []
        self.callbacks: list[Callable[[], None]] = []

    def settle(self) -> None:
        if self.future.cancelled() or self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Store:
    """The database of one front-end.

    :param path: the SQLite file; made when it is missing
    :param synchronous: ``FULL`` flushes every commit to the disk; ``OFF`` is for tests
    :param clock: what changes are stamped by
    """

    def __init__(self, path: Path, *, synchronous: str = "FULL", clock: Clock = time.time) -> None:
        self.path = path
        self._clock = clock
        self._synchronous = synchronous
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._local = threading.local()
        self._listeners: list[Callable[[list[Change]], None]] = []
        self._watchers: list[Callable[[Transaction], None]] = []
        self._connections: list[sqlite3.Connection] = []
        self._connections_lock = threading.Lock()
        self._commits = 0
        self._make_private()
        connection = self._connect()
        try:
            migrate(connection)
        except StoreError:
            connection.close()
            raise
        self._writer_connection = connection
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
        self._writer = threading.Thread(target=self._write_loop, name="writer", daemon=True)
        self._writer.start()

    def now(self) -> int:
        """Return the time by which changes are stamped, in epoch seconds."""
        return int(self._clock())

    def _make_private(self) -> None:
        """Have the file be its owner's alone before anything is in it; what SQLite puts beside it follows."""
        try:
            make_private(self.path)
        except OSError as error:
            raise StoreError(
                f"open database {str(self.path)!r}: {error.strerror}; check the path and its owner"
            ) from error
        close_to_others(*database_files(self.path))

    def _connect(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                self.path, isolation_level=None, check_same_thread=False, cached_statements=512
            )
            connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("PRAGMA cache_size = -32768")
        except sqlite3.Error as error:
            raise StoreError(
                f"open database {str(self.path)!r}: {error}; check the path, its owner and the free space"
            ) from error
        with self._connections_lock:
            self._connections.append(connection)
        return connection

    # -- reading ---------------------------------------------------------------------------------

    def _snapshot(self) -> Snapshot:
        snapshot: Snapshot | None = getattr(self._local, "snapshot", None)
        if snapshot is None:
            connection = self._connect()
            connection.execute("PRAGMA query_only = 1")
            snapshot = self._local.snapshot = Snapshot(connection, self._clock)
        return snapshot

    def read(self, work: Callable[[Snapshot], T]) -> T:
        """Run ``work`` on a consistent snapshot, in the calling thread."""
        snapshot = self._snapshot()
        if snapshot.connection.in_transaction:
            return work(snapshot)
        snapshot.now = int(self._clock())
        snapshot.connection.execute("BEGIN")
        try:
            return work(snapshot)
        finally:
            snapshot.connection.execute("ROLLBACK")

    async def read_in_thread(self, work: Callable[[Snapshot], T]) -> T:
        """Run ``work`` on a snapshot on a reader thread: for pools and whatever else takes long."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.read, work)

    # -- writing ---------------------------------------------------------------------------------

    def write(self, work: Callable[[Transaction], T]) -> asyncio.Future[T]:
        """Run ``work`` on the writer; the future is done once its changes are on disk.

        An exception of ``work`` undoes its changes alone and becomes the future's.
        """
        job = _Job(work, asyncio.get_running_loop())
        self._jobs.put(job)
        future: asyncio.Future[T] = job.future
        return future

    def write_now(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` on the writer and wait for the commit; for callers without an event loop."""
        job = _Job(work, None)
        self._jobs.put(job)
        result: T = job.future.result()
        return result

    def before_commit(self, watcher: Callable[[Transaction], None]) -> None:
        """Call ``watcher`` at the end of each job, on the writer: what it writes belongs to the job.

        The job's changes stand in ``changes`` of the transaction.
        """
        self._watchers.append(watcher)

    def on_commit(self, listener: Callable[[list[Change]], None]) -> None:
        """Call ``listener`` with the changes of each commit, on the event loop of the first job in it."""
        self._listeners.append(listener)

    def _write_loop(self) -> None:
        transaction = Transaction(self._writer_connection, self._clock)
        ending = False
        while not ending:
            job = self._jobs.get()
            if job is None:
                return
            group = [job]
            while len(group) < MAX_GROUP:
                try:
                    following = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    ending = True
                    break
                group.append(following)
            self._commit_group(transaction, group)

    def _commit_group(self, transaction: Transaction, group: list[_Job]) -> None:
        changes: list[Change] = []
        try:
            transaction.taken.forget()
            transaction.connection.execute("BEGIN IMMEDIATE")
            for job in group:
                self._run_job(transaction, job)
            transaction.quotas.settle()
            changes = self._record_changes(transaction, group)
            transaction.connection.execute("COMMIT")
        except (sqlite3.Error, OverflowError) as error:  # a number that is none of the database's
            LOG.exception("database: a commit failed")
            if transaction.connection.in_transaction:
                transaction.connection.execute("ROLLBACK")
            failure = StoreError(
                f"write to database: {error}; nothing of it was kept, check disk space and rights"
            )
            for job in group:
                job.error, job.callbacks = failure, []
            changes = []
        self._deliver(group, changes)

    def _run_job(self, transaction: Transaction, job: _Job) -> None:
        transaction.begin()
        connection = transaction.connection
        connection.execute("SAVEPOINT job")
        try:
            job.result = job.work(transaction)
            for watcher in self._watchers:
                watcher(transaction)
        except BaseException as error:  # noqa: BLE001 - the writer must go on; the caller gets the error
            connection.execute("ROLLBACK TO job")
            transaction.taken.undo_job()
            job.error = error
        else:
            transaction.taken.keep_job()
            job.changes, job.callbacks = transaction.changes, transaction.callbacks
        connection.execute("RELEASE job")

    def _record_changes(self, transaction: Transaction, group: list[_Job]) -> list[Change]:
        self._commits += 1
        rows = [(transaction.now, *change) for job in group for change in job.changes]
        if not rows:
            return []
        transaction.connection.executemany(_RECORD_CHANGE, rows)
        # The writer is alone, so the rows of one statement are numbered without a gap.
        first = transaction.last_change() - len(rows) + 1
        changes = [Change(seq, *row[1:]) for seq, row in enumerate(rows, first)]
        if self._commits % 512 == 0:
            transaction.execute("DELETE FROM outbox WHERE seq <= ?", (changes[-1].seq - OUTBOX_KEPT,))
        return changes

    def _deliver(self, group: list[_Job], changes: list[Change]) -> None:
        loop = next((job.loop for job in group if job.loop is not None), None)
        for job in group:
            if job.loop is None:
                job.settle()
        if loop is None:
            self._tell(group, changes)
            return
        try:
            loop.call_soon_threadsafe(self._settle_on_loop, group, changes)
        except RuntimeError:
            LOG.debug("database: the event loop ended before a commit could be told")

    def _settle_on_loop(self, group: list[_Job], changes: list[Change]) -> None:
        for job in group:
            if job.loop is not None:
                job.settle()
        self._tell(group, changes)

    def _tell(self, group: list[_Job], changes: list[Change]) -> None:
        callbacks = [callback for job in group for callback in job.callbacks]
        if changes:
            callbacks.extend(self._listener_call(listener, changes) for listener in self._listeners)
        for callback in callbacks:
            try:
                callback()
            except Exception:
                LOG.exception("database: a callback after a commit failed")

    @staticmethod
    def _listener_call(listener: Callable[[list[Change]], None], changes: list[Change]) -> Callable[[], None]:
        return lambda: listener(changes)

    # -- end -------------------------------------------------------------------------------------

    def close(self) -> None:
        """Finish what is waiting, fold the log into the file, and close."""
        self._jobs.put(None)
        self._writer.join()
        self._readers.shutdown(wait=True)
        with self._connections_lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
