"""The API methods of hosts."""

from __future__ import annotations

from collections.abc import Iterable

from opennebula_core.contracts.method import Access, Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.errors import ActionError, InternalError
from opennebula_core.managers.core import Core
from opennebula_core.managers.host.capacity import set_limits
from opennebula_core.managers.host.listing import HostListing
from opennebula_core.managers.host.watch import HostWatch
from opennebula_core.managers.objects import Kind, rename_method, update_method
from opennebula_core.managers.vdc.membership import forget_resource
from opennebula_core.model.objects import Host, PoolObject
from opennebula_core.model.states import HostState
from opennebula_core.model.template import Template

HOST = ObjectKind.HOST
_ADMIN = (Need(HOST, Right.ADMIN, "id"),)
_DEFAULT_CLUSTER = 0
ENABLE, DISABLE, OFFLINE = 0, 1, 2
MAX_HOST_NAME = 128


def host_methods(core: Core, watch: HostWatch) -> Iterable[Method]:
    """Return all methods of hosts and their pool."""
    kind = Kind("one.host", HOST, change=Right.ADMIN, updated=_updated, renamed=_renamed)
    yield rename_method(kind)
    yield update_method(kind)
    yield from _listings(HostListing(core.monitoring))
    yield _allocate(watch)
    yield _status(watch)
    yield _delete(core, watch)


def _listings(listing: HostListing) -> Iterable[Method]:
    def info(tx: Snapshot, session: Session, host_id: int, decrypt: bool) -> bytes:
        return listing.info(tx, host_id)

    yield Method(
        "one.host.info",
        (Param("id", int), Param("decrypt", bool, False)),
        (Need(HOST, Right.USE, "id"),),
        Mode.POINT,
        info,
        "Return the host.",
    )
    yield Method(
        "one.hostpool.info",
        (),
        Access.LISTING,
        Mode.READ,
        listing.pool,
        "List the hosts that the caller may use.",
    )


def _updated(tx: Transaction, session: Session, changed: object, template: Template) -> None:
    assert isinstance(changed, Host)
    set_limits(tx, changed)


def _allocate(watch: HostWatch) -> Method:
    def allocate(
        tx: Transaction, session: Session, name: str, im_mad: str, vm_mad: str, cluster_id: int
    ) -> int:
        _check_host_name(name)
        for what, word in (("IM_MAD_NAME", im_mad), ("VMM_MAD_NAME", vm_mad)):
            if not word or not word.replace("_", "").replace("-", "").replace(".", "").isalnum():
                raise InternalError(f"{what} cannot be empty; name an installed driver, such as kvm or dummy")
        cluster = tx.clusters.get(_DEFAULT_CLUSTER if cluster_id < 0 else cluster_id)
        template = Template()
        template.set("RESERVED_CPU", "")
        template.set("RESERVED_MEM", "")
        host = Host(
            id=-1, name=name, permissions=0o600, template=template, im_mad=im_mad, vm_mad=vm_mad,
            cluster_id=cluster.id, cluster=cluster.name,
        )  # fmt: skip
        tx.hosts.allocate(host)
        tx.after_commit(lambda: watch.start(host.id))
        return host.id

    return Method(
        "one.host.allocate",
        (Param("name", str), Param("im_mad", str), Param("vm_mad", str), Param("cluster", int, -1)),
        (Need(HOST, Right.CREATE), Need(ObjectKind.CLUSTER, Right.ADMIN, "cluster", 0)),
        Mode.WRITE,
        allocate,
        "Add a host, and begin to monitor it.",
    )


def _renamed(tx: Transaction, host: PoolObject) -> None:
    try:
        _check_host_name(host.name)
    except InternalError as error:
        raise ActionError(str(error), host.id) from None


def _check_host_name(name: str) -> None:
    """Refuse what is no host name or address: it ends up in commands and transfer scripts."""
    if not name:
        raise InternalError("Invalid NAME, it cannot be empty")
    if len(name) > MAX_HOST_NAME or name.startswith("-"):
        raise InternalError(f"Invalid NAME, a host needs a name of up to {MAX_HOST_NAME} characters")
    if not all(char.isascii() and (char.isalnum() or char in ".-_") for char in name):
        raise InternalError(
            f"Invalid NAME {name!r}: a host's name has letters, digits, '.', '-' and '_' only"
        )


def _status(watch: HostWatch) -> Method:
    def status(tx: Transaction, session: Session, host_id: int, wanted: int) -> int:
        host = tx.hosts.get(host_id)
        states = {ENABLE: HostState.INIT, DISABLE: HostState.DISABLED, OFFLINE: HostState.OFFLINE}
        if wanted not in states:
            raise InternalError(f"Wrong status code {wanted}; use 0 enable, 1 disable, 2 offline", host_id)
        target = states[wanted]
        if wanted == ENABLE and host.state in (HostState.MONITORED, HostState.ERROR):
            return host_id
        if target is not host.state:
            host.prev_state, host.state = host.state, target
            tx.hosts.save(host, f"state {host.state.name}")
        if wanted == OFFLINE:
            tx.after_commit(lambda: watch.end(host))
        else:
            tx.after_commit(lambda: watch.start(host_id))
        return host_id

    return Method(
        "one.host.status",
        (Param("id", int), Param("status", int)),
        _ADMIN,
        Mode.WRITE,
        status,
        "Enable (0), disable (1) or take a host offline (2).",
    )


def _delete(core: Core, watch: HostWatch) -> Method:
    def delete(tx: Transaction, session: Session, host_id: int) -> int:
        host = tx.hosts.get(host_id)
        vm_ids = tx.hosts.vm_ids(host_id)
        if vm_ids or host.running_vms:
            raise ActionError(
                f"Can not remove a host with running VMs: {len(vm_ids) or host.running_vms} are on it",
                host_id,
            )
        forget_resource(tx, HOST, host_id)
        tx.hosts.drop(host_id)
        tx.after_commit(lambda: core.monitoring.forget(HOST, host_id))
        tx.after_commit(lambda: watch.end(host))
        return host_id

    return Method(
        "one.host.delete", (Param("id", int),), _ADMIN, Mode.WRITE, delete, "Remove a host without VMs."
    )
