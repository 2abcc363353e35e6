from __future__ import annotations

import pytest

from opennebula_core.api import sessions
from opennebula_core.api.sessions import FREE_FAILURES, MAX_DELAY_S, FailedLogins, SessionCache
from opennebula_core.contracts.method import ObjectKind, Session
from opennebula_core.db.connection import Change

ALICE = Session(2, "alice", 1, "users", frozenset({1}))


def cached(lifetime_s: float = 60.0, own_s: float = 60.0) -> tuple[SessionCache, bytes]:
    cache = SessionCache(lifetime_s)
    digest = cache.digest("alice:wonder")
    cache.put(digest, ALICE, (2,), cache.generation, own_s)
    return cache, digest


def changed(kind: ObjectKind, object_id: int) -> list[Change]:
    return [Change(1, kind, object_id, "update")]


def test_a_verified_session_is_found_by_its_text_alone() -> None:
    cache, digest = cached()
    assert cache.get(digest) is ALICE
    assert cache.get(cache.digest("alice:other")) is None
    assert b"wonder" not in digest


def test_digests_differ_between_processes() -> None:
    assert SessionCache(1).digest("x") != SessionCache(1).digest("x")


@pytest.mark.parametrize(("lifetime_s", "own_s"), [(0.0, 60.0), (60.0, 0.0), (60.0, -5.0)])
def test_a_session_ends_with_the_shorter_lifetime(lifetime_s: float, own_s: float) -> None:
    cache, digest = cached(lifetime_s, own_s)
    assert cache.get(digest) is None


def test_a_changed_user_has_to_be_verified_again() -> None:
    cache, digest = cached()
    cache.forget(changed(ObjectKind.USER, 3))
    cache.forget(changed(ObjectKind.VM, 2))
    assert cache.get(digest) is ALICE
    cache.forget(changed(ObjectKind.USER, 2))
    assert cache.get(digest) is None


def test_a_changed_group_makes_all_sessions_be_verified_again() -> None:
    cache, digest = cached()
    cache.forget(changed(ObjectKind.GROUP, 5))
    assert cache.get(digest) is None


def test_a_session_verified_while_its_user_changed_is_not_kept() -> None:
    cache = SessionCache(60)
    before = cache.generation
    cache.forget(changed(ObjectKind.USER, 2))
    cache.put(cache.digest("x"), ALICE, (2,), before, 60)
    assert cache.get(cache.digest("x")) is None


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MAX_SESSIONS", 2)
    cache = SessionCache(60)
    for text in ("a", "b", "c"):
        cache.put(cache.digest(text), ALICE, (2,), cache.generation, 60)
    assert [cache.get(cache.digest(text)) for text in ("a", "b", "c")] == [None, ALICE, ALICE]


def test_mistyping_costs_nothing_and_guessing_does() -> None:
    failed = FailedLogins()
    for _ in range(FREE_FAILURES):
        assert failed.turn_in_s("alice", "peer") == 0
        failed.failed("alice", "peer")
    first = failed.turn_in_s("alice", "peer")
    assert 0 < first <= 0.5
    failed.failed("alice", "peer")
    assert failed.turn_in_s("alice", "peer") > first
    assert failed.turn_in_s("alice", "elsewhere") == 0
    assert failed.turn_in_s("bob", "peer") == 0


def test_attempts_at_the_same_time_queue_up() -> None:
    failed = FailedLogins()
    for _ in range(20):
        failed.failed("alice", "peer")
    waits = [failed.turn_in_s("alice", "peer") for _ in range(3)]
    assert waits == sorted(waits)
    assert waits[2] > 2 * MAX_DELAY_S


def test_a_success_forgets_the_failures() -> None:
    failed = FailedLogins()
    for _ in range(10):
        failed.failed("alice", "peer")
    failed.succeeded("alice", "peer")
    assert failed.turn_in_s("alice", "peer") == 0


def test_the_failures_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MAX_FAILURES", 2)
    failed = FailedLogins()
    for name in ("a", "b", "c"):
        for _ in range(10):
            failed.failed(name, "peer")
    assert failed.turn_in_s("a", "peer") == 0
    assert failed.turn_in_s("c", "peer") > 0


def test_attempts_that_get_no_turn_do_not_put_off_those_that_do() -> None:
    failed = FailedLogins()
    for _ in range(100):
        failed.failed("alice", "peer")
        failed.turn_in_s("alice", "peer")
    assert failed.turn_in_s("alice", "peer") <= sessions.MAX_WAIT_S + MAX_DELAY_S


def test_an_ipv6_address_counts_as_its_network() -> None:
    failed = FailedLogins()
    for host in range(FREE_FAILURES):
        failed.failed("alice", f"2001:db8::{host + 1:x}")
    assert failed.turn_in_s("alice", "2001:db8::ffff") > 0
    assert failed.turn_in_s("alice", "2001:db8:1::1") == 0
    assert sessions.network_of("::ffff:10.0.0.1") == "10.0.0.1"
    assert sessions.network_of("fe80::1%eth0") == sessions.network_of("fe80::2")
    assert sessions.network_of("caller 7:x") == "caller 7:x"
