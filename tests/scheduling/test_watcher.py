from __future__ import annotations

from queue import SimpleQueue

from opennebula_core.client import Client
from opennebula_core.scheduling.watcher import Changed, Connected, Event, Lost, Watcher
from opennebula_core.testing.front_end import FrontEnd, FrontEndServer, serving

LIMIT_S = 10.0


def watch(endpoint: str) -> tuple[Watcher, SimpleQueue[Event]]:
    events: SimpleQueue[Event] = SimpleQueue()
    watcher = Watcher(Client(endpoint, "oneadmin:secret"), events)
    watcher.start()
    return watcher, events


def test_it_connects_and_passes_changes_on(front_end: FrontEnd, server: FrontEndServer) -> None:
    front_end.has_changes = True
    watcher, events = watch(server.endpoint)
    assert events.get(timeout=LIMIT_S) == Connected(has_changes=True)
    front_end.tell("VM", 7)
    changed = events.get(timeout=LIMIT_S)
    assert isinstance(changed, Changed)
    assert [(item.kind, item.object_id) for item in changed.changes] == [("VM", 7)]
    watcher.close()


def test_a_server_that_knows_no_changes_has_to_be_polled(server: FrontEndServer) -> None:
    _, events = watch(server.endpoint)
    assert events.get(timeout=LIMIT_S) == Connected(has_changes=False)


def test_a_server_that_goes_and_comes_is_followed(front_end: FrontEnd) -> None:
    front_end.has_changes = True
    with serving(front_end) as server:
        port = server.port
        watcher, events = watch(server.endpoint)
        assert events.get(timeout=LIMIT_S) == Connected(has_changes=True)
    assert isinstance(events.get(timeout=LIMIT_S), Lost)
    with serving(front_end, port):
        found = events.get(timeout=LIMIT_S)
        while isinstance(found, Lost):
            found = events.get(timeout=LIMIT_S)
        assert found == Connected(has_changes=True)
        watcher.close()
