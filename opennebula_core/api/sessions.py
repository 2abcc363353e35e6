"""Sessions that were verified, and logins that failed."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Final

from opennebula_core.contracts.method import ObjectKind, Session
from opennebula_core.db.connection import Change

MAX_SESSIONS: Final = 10_000
MAX_FAILURES: Final = 10_000
FREE_FAILURES: Final = 3
"""Failed logins that cost nothing: people mistype."""
FIRST_DELAY_S: Final = 0.5
MAX_DELAY_S: Final = 5.0
MAX_WAIT_S: Final = 30.0
"""An attempt that would have to wait longer for its turn is refused unheard."""
FORGET_S: Final = 900.0
_HOST_BITS: Final = 64


@dataclass(frozen=True, slots=True)
class _Verified:
    session: Session
    user_ids: tuple[int, ...]
    expires: float


class SessionCache:
    """Session texts that were verified a short while ago.

    The texts themselves are not kept, only a digest under a key of this process. A session is forgotten when
    the row of a user that it rests on, or any group, changes: a new password counts from its commit on.

    :param lifetime_s: how long a session is good without being verified again
    """

    def __init__(self, lifetime_s: float) -> None:
        self._lifetime_s = lifetime_s
        self._key = secrets.token_bytes(32)
        self._verified: dict[bytes, _Verified] = {}
        self._once_right: dict[bytes, None] = {}
        self._lock = threading.Lock()
        self.generation = 0
        """Counts what made sessions invalid; what was verified under an older one is not kept."""

    def digest(self, text: str) -> bytes:
        """Return what the session text is kept under."""
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=self._key, digest_size=16).digest()

    def get(self, digest: bytes) -> Session | None:
        """Return the session, None when it is not known (any more)."""
        verified = self._verified.get(digest)
        if verified is None or verified.expires < time.monotonic():
            return None
        return verified.session

    def was_right(self, digest: bytes) -> bool:
        """Return whether the text was verified before, whatever has happened since: no guess is."""
        return digest in self._once_right

    def put(
        self, digest: bytes, session: Session, user_ids: tuple[int, ...], generation: int, lifetime_s: float
    ) -> None:
        """Keep a session that was just verified.

        :param user_ids: the users whose rows it rests on
        :param generation: :attr:`generation` before the rows were read
        :param lifetime_s: the session's own, where that is shorter than the cache's
        """
        expires = time.monotonic() + min(self._lifetime_s, lifetime_s)
        with self._lock:
            self._once_right.pop(digest, None)
            while len(self._once_right) >= MAX_SESSIONS:
                del self._once_right[next(iter(self._once_right))]
            self._once_right[digest] = None
            if generation != self.generation:
                return
            self._verified.pop(digest, None)
            while len(self._verified) >= MAX_SESSIONS:
                del self._verified[next(iter(self._verified))]
            self._verified[digest] = _Verified(session, user_ids, expires)

    def forget(self, changes: Iterable[Change]) -> None:
        """Drop the sessions that committed changes make invalid; called after each commit, on any thread."""
        user_ids = {change.object_id for change in changes if change.kind is ObjectKind.USER}
        all_of_them = any(change.kind is ObjectKind.GROUP for change in changes)
        if not user_ids and not all_of_them:
            return
        with self._lock:
            self.generation += 1
            if all_of_them:
                self._verified.clear()
                return
            stale = [key for key, kept in self._verified.items() if not user_ids.isdisjoint(kept.user_ids)]
            for key in stale:
                del self._verified[key]


@dataclass(slots=True)
class _Failures:
    count: int
    last: float
    not_before: float


def _delay_s(count: int) -> float:
    return 0.0 if count < FREE_FAILURES else min(FIRST_DELAY_S * 2 ** (count - FREE_FAILURES), MAX_DELAY_S)


class FailedLogins:
    """Slows down whoever guesses: each further failure of a user name from an address costs more waiting.

    An IPv6 address counts as its network of 64 bits, which is what one machine is given.
    """

    def __init__(self) -> None:
        self._failures: dict[tuple[str, str], _Failures] = {}

    def turn_in_s(self, name: str, peer: str) -> float:
        """Return how long this attempt has to wait, and book it: attempts at the same time queue up.

        One that would have to wait longer than :data:`MAX_WAIT_S` gets no turn: else a flood of them would
        keep the user's own attempts out for ever.
        """
        key = (name, network_of(peer))
        failures = self._failures.get(key)
        if failures is None or failures.count < FREE_FAILURES:
            return 0.0
        now = time.monotonic()
        if now - failures.last > FORGET_S:
            del self._failures[key]
            return 0.0
        turn = max(now, failures.not_before) + _delay_s(failures.count)
        if turn - now <= MAX_WAIT_S:
            failures.not_before = turn
        return turn - now

    def next_delay_s(self, name: str, peer: str) -> float:
        """Return how long the next attempt will have to wait; books nothing."""
        failures = self._failures.get((name, network_of(peer)))
        return 0.0 if failures is None else _delay_s(failures.count)

    def failed(self, name: str, peer: str) -> None:
        """Count a failure."""
        now = time.monotonic()
        key = (name, network_of(peer))
        failures = self._failures.pop(key, None) or _Failures(0, now, now)
        failures.count += 1
        failures.last = now
        while len(self._failures) >= MAX_FAILURES:
            del self._failures[next(iter(self._failures))]
        self._failures[key] = failures

    def succeeded(self, name: str, peer: str) -> None:
        """Forget the failures."""
        self._failures.pop((name, network_of(peer)), None)


def network_of(peer: str) -> str:
    """Return what an address counts as: an IPv6 address its network, anything else itself."""
    if ":" not in peer:
        return peer
    try:
        address = IPv6Address(peer.partition("%")[0])
    except ValueError:
        return peer
    return str(address.ipv4_mapped or int(address) >> _HOST_BITS)
