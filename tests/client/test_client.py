"""The client against the standard library's XML-RPC server, an implementation that is not ours."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from xmlrpc.server import SimpleXMLRPCServer

import pytest

from opennebula_core.client import Client
from opennebula_core.errors import ClientError, FaultError, NotFoundError


@dataclass
class Cloud:
    """A pool of VMs that can be listed, and what was called."""

    vm_ids: list[int] = field(default_factory=list)
    calls: list[tuple[object, ...]] = field(default_factory=list)
    is_growing: bool = False

    def info(self, *params: object) -> list[object]:
        self.calls.append(params)
        if params[1] == 7:
            return [False, "[one.vm.info] Error getting virtual machine [7].", 1024, 7, -1]
        return [True, f"<VM><ID>{params[1]}</ID></VM>", 0]

    def pool_info(self, _session: str, _flag: int, offset: int, end: int, state: int = -2) -> list[object]:
        self.calls.append((offset, end, state))
        ordered = sorted(self.vm_ids, reverse=True)[offset : offset - end]
        if self.is_growing:
            self.vm_ids.append(max(self.vm_ids) + 1)
        rows = "".join(f"<VM><ID>{vm_id}</ID></VM>" for vm_id in ordered)
        return [True, f"<VM_POOL>{rows}</VM_POOL>", 0]

    def allocate(self, *params: object) -> list[object]:
        self.calls.append(params)
        return [True, 5, 0]

    def changes(self, _session: str, cursor: int, timeout_s: int) -> list[object]:
        self.calls.append((cursor, timeout_s))
        row = "<CHANGE><SEQ>9</SEQ><KIND>VM</KIND><ID>3</ID><EVENT>state 3</EVENT></CHANGE>"
        return [True, f"<CHANGES><CURSOR>9</CURSOR>{row}</CHANGES>", 0]


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def client(cloud: Cloud) -> Iterator[Client]:
    with SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False) as server:
        server.register_function(cloud.info, "one.vm.info")
        server.register_function(lambda *params: cloud.pool_info(*params), "one.vmpool.info")
        server.register_function(cloud.allocate, "one.vm.allocate")
        server.register_function(lambda *params: cloud.changes(*params), "one.system.changes")
        server.register_introspection_functions()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        with Client(f"http://127.0.0.1:{server.server_address[1]}/RPC2", "oneadmin:secret") as client:
            yield client
        server.shutdown()
        thread.join()


def test_the_session_goes_first(client: Client, cloud: Cloud) -> None:
    assert client.integer("one.vm.allocate", "CPU = 1 # <ä>", False) == 5
    assert cloud.calls == [("oneadmin:secret", "CPU = 1 # <ä>", False)]


def test_a_session_may_be_made_for_each_call(client: Client, cloud: Cloud) -> None:
    sessions = iter(("a:1", "a:2"))
    with Client(client.endpoint, lambda: next(sessions)) as renewed:
        renewed.integer("one.vm.allocate", "")
        renewed.integer("one.vm.allocate", "")
    assert [call[0] for call in cloud.calls] == ["a:1", "a:2"]


def test_a_document_comes_as_an_element(client: Client) -> None:
    assert client.element("one.vm.info", 3).findtext("ID") == "3"


def test_a_refusal_is_raised(client: Client) -> None:
    with pytest.raises(NotFoundError, match=r"\[7\]") as caught:
        client.text("one.vm.info", 7)
    assert caught.value.object_id == 7


def test_an_unknown_method_is_a_fault(client: Client) -> None:
    with pytest.raises(FaultError):
        client.call("one.nothing")


def test_a_result_of_another_type_is_refused(client: Client) -> None:
    with pytest.raises(ClientError, match="a number was expected"):
        client.integer("one.vm.info", 3)
    with pytest.raises(ClientError, match="a text was expected"):
        client.text("one.vm.allocate", "")


def test_a_document_that_is_no_xml_is_refused(client: Client) -> None:
    with pytest.raises(ClientError, match="no XML"):
        client.element("one.vm.info", "<")


def test_methods_of_xml_rpc_itself_go_without_a_session(client: Client) -> None:
    names = client.call("system.listMethods")
    assert isinstance(names, list)
    assert "one.vm.info" in names


@pytest.mark.parametrize("count", [0, 1, 3, 4, 9])
def test_a_pool_is_fetched_in_pages(client: Client, cloud: Cloud, count: int) -> None:
    cloud.vm_ids = list(range(count))
    found = [vm.findtext("ID") for vm in client.pages("one.vmpool.info", -2, -1, page_size=3)]
    assert found == [str(vm_id) for vm_id in reversed(range(count))]
    assert cloud.calls == [(offset, -3, -1) for offset in range(0, count + 1, 3)]


def test_what_moves_to_the_next_page_meanwhile_comes_once(client: Client, cloud: Cloud) -> None:
    cloud.vm_ids = list(range(7))
    cloud.is_growing = True
    found = [vm.findtext("ID") for vm in client.pages("one.vmpool.info", -2, page_size=3)]
    assert len(found) == len(set(found))
    assert {str(vm_id) for vm_id in range(7)} <= set(found)


def test_changes_are_read(client: Client, cloud: Cloud) -> None:
    changes = client.changes(4, 30)
    assert cloud.calls == [(4, 30)]
    assert changes.cursor == 9
    assert not changes.is_reset
    change = changes.changes[0]
    assert (change.seq, change.kind, change.object_id, change.event) == (9, "VM", 3, "state 3")
