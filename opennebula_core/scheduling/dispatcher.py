"""Carrying decisions out: API calls, several at a time, so that the core can commit them together."""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from enum import Enum
from types import TracebackType
from typing import Final, Protocol, Self

from opennebula_core.client import Client
from opennebula_core.contracts.scheduler import Call
from opennebula_core.errors import ActionError, AuthenticationError, FaultError, LockedError, RequestError

LOG = logging.getLogger(__name__)

CALLS_AT_A_TIME: Final = 8
"""As many as the client keeps connections open for."""


class Outcome(Enum):
    """How the core took a decision.

    TAKEN: the VM is no longer what it was, for somebody else acted on it. REFUSED: perhaps elsewhere.
    """

    DONE = "done"
    REFUSED = "refused"
    TAKEN = "taken"


class Caller(Protocol):
    """Begins calls; a dry run has one that makes none."""

    def begin(self, call: Call) -> Future[None]:
        """Begin a call; the future raises what the call raises."""


class Dispatcher:
    """Makes calls on a few threads."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._threads = ThreadPoolExecutor(CALLS_AT_A_TIME, thread_name_prefix="dispatch")

    def begin(self, call: Call) -> Future[None]:
        """Begin a call; the future raises what the call raises."""
        return self._threads.submit(self._make, call)

    def _make(self, call: Call) -> None:
        self._client.call(call.method, *call.params)

    def close(self) -> None:
        """Wait for the calls in flight; those that have not begun are dropped."""
        self._threads.shutdown(cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class DryRun:
    """Makes no calls: every decision counts as carried out."""

    def begin(self, call: Call) -> Future[None]:
        """Only say what would be called."""
        LOG.info("dry run: would call %s%s", call.method, call.params)
        done: Future[None] = Future()
        done.set_result(None)
        return done


def outcome_of(future: Future[None]) -> tuple[Outcome, str]:
    """Wait for a call and return how it ended, with the core's words when it was refused.

    :raises ClientError: the core did not answer, so that nobody knows; or has no such method
    :raises AuthenticationError: the core does not know the scheduler (any more)
    """
    try:
        future.result()
    except (AuthenticationError, FaultError):
        raise
    except (ActionError, LockedError) as error:
        return Outcome.TAKEN, str(error)
    except RequestError as error:
        return Outcome.REFUSED, str(error)
    return Outcome.DONE, ""
