"""A small front-end in the form of OpenNebula 6.10's: it answers what a scheduler asks, and keeps its calls.

With ``has_changes`` it is one of ours: it knows ``one.system.changes`` too. For tests of schedulers that are
to work with either.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socket import SHUT_RDWR, socket
from socketserver import ThreadingMixIn
from typing import Any, Final
from xmlrpc.client import Fault
from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer

from opennebula_core.testing.front_end_documents import ACL_POOL, DATASTORE, HISTORY, HOST, VM

LOG = logging.getLogger(__name__)

ACTION: Final = 0x0800
NO_EXISTS: Final = 0x0400
INTERNAL: Final = 0x2000
UNKNOWN_METHOD: Final = -506


@dataclass
class FakeVm:
    """A VM as the front-end keeps it."""

    id: int
    state: int = 1
    lcm_state: int = 0
    resched: int = 0
    uid: int = 2
    host_id: int = -1
    template: str = ""
    user_template: dict[str, str] = field(default_factory=dict)

    def document(self) -> str:
        """Return the VM's document."""
        history = HISTORY.format(id=self.id, host_id=self.host_id) if self.host_id >= 0 else ""
        texts = "".join(f"<{name}><![CDATA[{text}]]></{name}>" for name, text in self.user_template.items())
        return VM.format(
            id=self.id,
            uid=self.uid,
            state=self.state,
            lcm_state=self.lcm_state,
            resched=self.resched,
            template=self.template,
            user_template=texts,
            history=history,
        )


class RefusedError(Exception):
    """What the front-end answers with instead of a success."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(message)


class FrontEnd:
    """The state, and the methods of the API on it.

    :ivar vm_groups: VM_GROUP documents
    :ivar refuses: asked for each deploy with VM and host; a text refuses it
    :ivar has_changes: whether ``one.system.changes`` is known
    """

    def __init__(self) -> None:
        self.vms: dict[int, FakeVm] = {}
        self.hosts: dict[int, int] = {}
        self.vm_groups: list[str] = []
        self.cpu = 400
        self.calls: list[tuple[str, tuple[object, ...]]] = []
        self.refuses: Callable[[int, int], str | None] = lambda _vm_id, _host_id: None
        self.has_changes = False
        self._changes: list[tuple[str, int]] = []
        self._changed = threading.Condition()

    def submit(self, vm_id: int, **fields: int | dict[str, str]) -> FakeVm:
        """Add a VM, and tell whoever waits for changes."""
        vm = FakeVm(vm_id, **fields)  # type: ignore[arg-type]  # names and types are FakeVm's own
        self.vms[vm_id] = vm
        self.tell("VM", vm_id)
        return vm

    def add_host(self, host_id: int, state: int = 2) -> None:
        """Add a host, monitored unless said otherwise, or change its state."""
        self.hosts[host_id] = state
        self.tell("HOST", host_id)

    def tell(self, kind: str, object_id: int) -> None:
        """Record a change, as the core does with each commit."""
        with self._changed:
            self._changes.append((kind, object_id))
            self._changed.notify_all()

    def called(self, method: str) -> list[tuple[object, ...]]:
        """Return the parameters, without the session, of each call of the method so far."""
        return [params for name, params in self.calls if name == method]

    def wait_until(self, is_so: Callable[[], bool], timeout_s: float = 10.0) -> None:
        """Wait for a condition; every call and change has it looked at again.

        :raises TimeoutError: it does not come true
        """
        with self._changed:
            if not self._changed.wait_for(is_so, timeout_s):
                raise TimeoutError(f"wait for a condition: not so in {timeout_s} s; calls: {self.calls[-9:]}")

    def answer(self, method: str, params: tuple[object, ...]) -> list[object]:
        """Answer a call as the API does: an array, or a fault for a method that there is not."""
        handlers = self._handlers()
        if self.has_changes:
            handlers["one.system.changes"] = self._wait
        if method not in handlers:
            raise Fault(UNKNOWN_METHOD, f"Method '{method}' not defined")
        with self._changed:
            self.calls.append((method, params[1:]))
            self._changed.notify_all()
            try:
                return [True, handlers[method](*params[1:]), 0]
            except RefusedError as refusal:
                return [False, f"[{method}] {refusal}", refusal.code, -1, 0]
            except KeyError:
                return [False, f"[{method}] Error getting object.", NO_EXISTS, -1, 0]

    def _handlers(self) -> dict[str, Callable[..., object]]:
        return {
            "one.vmpool.infoextended": self._vm_pool,
            "one.vmpool.info": self._vm_pool,
            "one.vmpool.infoset": self._vm_set,
            "one.vm.info": lambda vm_id: self.vms[vm_id].document(),
            "one.hostpool.info": lambda: f"<HOST_POOL>{''.join(map(self._host, self.hosts))}</HOST_POOL>",
            "one.host.info": self._host,
            "one.clusterpool.info": lambda: (
                "<CLUSTER_POOL><CLUSTER><ID>0</ID><NAME>default</NAME><TEMPLATE/></CLUSTER></CLUSTER_POOL>"
            ),
            "one.datastorepool.info": lambda: f"<DATASTORE_POOL>{DATASTORE}</DATASTORE_POOL>",
            "one.acl.info": lambda: ACL_POOL,
            "one.vmgrouppool.info": self._vm_groups,
            "one.user.info": lambda _: "<USER><ID>2</ID><GID>1</GID><GROUPS><ID>1</ID></GROUPS></USER>",
            "one.vm.deploy": self._deploy,
            "one.vm.migrate": self._migrate,
            "one.vm.update": self._update,
            "one.vm.action": lambda _action, vm_id: vm_id,
        }

    def _vm_pool(self, _filter: int, _start: int, _end: int, state: int) -> str:
        wanted = (
            vm for vm in self.vms.values() if state in (-2, vm.state) or (state == -1 and vm.state != 6)
        )
        return f"<VM_POOL>{''.join(vm.document() for vm in wanted)}</VM_POOL>"

    def _vm_set(self, ids: str, _is_extended: bool) -> str:
        found = [self.vms[int(vm_id)] for vm_id in ids.split(",") if int(vm_id) in self.vms]
        return f"<VM_POOL>{''.join(vm.document() for vm in found)}</VM_POOL>"

    def _vm_groups(self, _filter: int, _start: int, _end: int) -> str:
        return f"<VM_GROUP_POOL>{''.join(self.vm_groups)}</VM_GROUP_POOL>"

    def _host(self, host_id: int) -> str:
        here = [vm.id for vm in self.vms.values() if vm.host_id == host_id and vm.state == 3]
        return HOST.format(
            id=host_id,
            state=self.hosts[host_id],
            cpu=self.cpu,
            cpu_usage=100 * len(here),
            mem_usage=512 * 1024 * len(here),
            running=len(here),
            vm_ids="".join(f"<ID>{vm_id}</ID>" for vm_id in here),
        )

    def _deploy(self, vm_id: int, host_id: int, _enforce: bool, _datastore_id: int, _extra: str) -> int:
        vm = self.vms[vm_id]
        if vm.state != 1:
            raise RefusedError(ACTION, "Deploy action is not available for state ACTIVE")
        if reason := self.refuses(vm_id, host_id):
            raise RefusedError(INTERNAL, reason)
        vm.state, vm.lcm_state, vm.host_id = 3, 3, host_id
        self.tell("VM", vm_id)
        return vm_id

    def _migrate(self, vm_id: int, host_id: int, _live: bool, _enforce: bool, _ds: int, _type: int) -> int:
        vm = self.vms[vm_id]
        vm.host_id, vm.resched = host_id, 0
        self.tell("VM", vm_id)
        return vm_id

    def _update(self, vm_id: int, text: str, _append: int) -> int:
        name, _, value = text.partition(" = ")
        self.vms[vm_id].user_template[name] = value.strip('"')
        self.tell("VM", vm_id)
        return vm_id

    def _wait(self, cursor: int, timeout_s: int) -> str:
        if cursor >= 0:  # waiting lets go of the lock that the call is answered under
            self._changed.wait_for(lambda: len(self._changes) > cursor, timeout_s)
        first = len(self._changes) if cursor < 0 else cursor
        changes = "".join(
            f"<CHANGE><SEQ>{number}</SEQ><KIND>{kind}</KIND><ID>{object_id}</ID><EVENT>update</EVENT></CHANGE>"
            for number, (kind, object_id) in enumerate(self._changes[first:], first + 1)
        )
        return f"<CHANGES><CURSOR>{len(self._changes)}</CURSOR>{changes}</CHANGES>"


class _Handler(SimpleXMLRPCRequestHandler):
    rpc_paths = ("/RPC2",)
    protocol_version = "HTTP/1.1"


class FrontEndServer(ThreadingMixIn, SimpleXMLRPCServer):
    """Serves a front-end over HTTP; each connection has its thread, as long polls wait."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, front_end: FrontEnd, port: int = 0) -> None:
        self._connections: list[socket] = []
        self._front_end = front_end
        super().__init__(("127.0.0.1", port), _Handler, logRequests=False)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    @property
    def endpoint(self) -> str:
        """The address for clients."""
        return f"http://127.0.0.1:{self.port}/RPC2"

    def _dispatch(self, method: str, params: Any) -> Any:
        return self._front_end.answer(method, params)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Keep the connection, to break it off at the end."""
        self._connections.append(request)
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log it: a client that goes away in the middle of a long poll is nothing to be loud about."""
        LOG.debug("connection of %s broken off", client_address, exc_info=True)

    def server_close(self) -> None:
        """Stop listening and break off all connections, as a daemon that is killed does."""
        super().server_close()
        for connection in self._connections:
            try:
                connection.shutdown(SHUT_RDWR)
            except OSError:
                LOG.debug("connection was closed already")


@contextmanager
def serving(front_end: FrontEnd, port: int = 0) -> Iterator[FrontEndServer]:
    """Serve the front-end on a port of loopback, a free one unless it is given, until the block ends."""
    with FrontEndServer(front_end, port) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
