"""The API methods of VMs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from opennebula_core.contracts.method import Access, Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.errors import AuthorizationError, ParameterError
from opennebula_core.managers.core import Core
from opennebula_core.managers.objects import Kind, lock_methods, owned_methods, parse_text
from opennebula_core.managers.progress import progress_method
from opennebula_core.managers.vm.actions import VmActions
from opennebula_core.managers.vm.allocate import allocate_vm, vm_demand
from opennebula_core.managers.vm.destinations import Placement
from opennebula_core.managers.vm.listing import VmListing
from opennebula_core.managers.vm.placement import VmPlacement, migration_kind
from opennebula_core.managers.vm.recover import Recovery, VmRecovery
from opennebula_core.model.numbers import whole_number
from opennebula_core.model.template import Template

VM = ObjectKind.VM
_MANAGE = (Need(VM, Right.MANAGE, "id"),)
_ADMIN = (Need(VM, Right.ADMIN, "id"),)
_USE = (Need(VM, Right.USE, "id"),)


@dataclass(frozen=True, slots=True)
class VmOperations:
    """The use cases over VMs that exist."""

    actions: VmActions
    placement: VmPlacement
    recovery: VmRecovery


def vm_methods(core: Core, operations: VmOperations, listing: VmListing) -> Iterable[Method]:
    """Return all methods of VMs and their pool."""
    kind = Kind(
        "one.vm",
        VM,
        restricted=core.config.vm.restricted_attributes,
        other_bits=core.config.users.enable_other_permissions,
        template_field="user_template",
    )
    yield from owned_methods(kind)
    yield from lock_methods(kind)
    yield _allocate(core)
    yield _action(operations.actions)
    yield from _placement(operations.placement)
    yield _recover(operations.recovery)
    yield from _listings(listing)
    yield progress_method(core, "one.vm", VM, ("tm", "vmm"))


def _allocate(core: Core) -> Method:
    def prepare(text: str, hold: bool) -> tuple[object, ...]:
        return parse_text(text), hold

    def allocate(tx: Transaction, session: Session, template: Template, hold: bool) -> int:
        vm = allocate_vm(tx, session, template, core.config.vm, core.config.images.device_prefix, hold=hold)
        core.hooks.check_quota(session, VM, **vm_demand(vm))
        return vm.id

    return Method(
        "one.vm.allocate",
        (Param("template", str), Param("hold", bool, False)),
        (Need(VM, Right.CREATE),),
        Mode.WRITE,
        allocate,
        "Make a VM from a template text; it waits for the scheduler, or for a person when it is held.",
        prepare,
    )


def _action(actions: VmActions) -> Method:
    return Method(
        "one.vm.action",
        (Param("action", str), Param("id", int)),
        _MANAGE,
        Mode.WRITE,
        actions.perform,
        "Carry out an action by name: terminate, poweroff, suspend, stop, resume, reboot, hold, release, ...",
    )


def _recover(recovery: VmRecovery) -> Method:
    def recover(tx: Transaction, session: Session, vm_id: int, operation: int) -> int:
        if operation == Recovery.DELETE_DB and not session.is_admin:
            raise AuthorizationError(
                f"User [{session.user_id}] : only administrators delete a VM from the database alone.", vm_id
            )
        return recovery.recover(tx, vm_id, operation)

    return Method(
        "one.vm.recover",
        (Param("id", int), Param("operation", int)),
        _ADMIN,
        Mode.WRITE,
        recover,
        "Recover a VM: failure (0), success (1), retry (2), delete (3), recreate (4), delete-db (5).",
    )


def _placement(placement: VmPlacement) -> Iterable[Method]:
    def deploy(
        tx: Transaction,
        session: Session,
        vm_id: int,
        host_id: int,
        enforce: bool,
        datastore_id: int,
        extra: Template,
    ) -> int:
        return placement.deploy(tx, session, vm_id, Placement(host_id, datastore_id, enforce), extra)

    def prepare_deploy(
        vm_id: int, host_id: int, enforce: bool, datastore_id: int, extra: str
    ) -> tuple[object, ...]:
        return vm_id, host_id, enforce, datastore_id, parse_text(extra)

    def migrate(
        tx: Transaction,
        session: Session,
        vm_id: int,
        host_id: int,
        live: bool,
        enforce: bool,
        datastore_id: int,
        how: int,
    ) -> int:
        where = Placement(host_id, datastore_id, enforce)
        return placement.migrate(tx, session, vm_id, where, live=live, kind=migration_kind(how, vm_id))

    options = (Param("enforce", bool, False), Param("datastore", int, -1))
    needs = (
        *_ADMIN,
        Need(ObjectKind.HOST, Right.MANAGE, "host"),
        Need(ObjectKind.DATASTORE, Right.USE, "datastore", 0),
    )
    yield Method(
        "one.vm.deploy",
        (Param("id", int), Param("host", int), *options, Param("extra_template", str, "")),
        needs,
        Mode.WRITE,
        deploy,
        "Bring a waiting VM to a host.",
        prepare_deploy,
    )
    yield Method(
        "one.vm.migrate",
        (Param("id", int), Param("host", int), Param("live", bool), *options, Param("type", int, 0)),
        needs,
        Mode.WRITE,
        migrate,
        "Move a VM to another host, live or by save (0), poweroff (1), poweroff-hard (2).",
    )


def _listings(listing: VmListing) -> Iterable[Method]:
    def info(tx: Snapshot, session: Session, vm_id: int, decrypt: bool) -> bytes:
        return listing.info(tx, vm_id)

    def pool(
        tx: Snapshot, session: Session, flag: int, start: int, end: int, state: int, query: str
    ) -> bytes:
        return listing.pool(tx, session, flag, start, end, state, query, extended=False)

    def extended(
        tx: Snapshot, session: Session, flag: int, start: int, end: int, state: int, query: str
    ) -> bytes:
        return listing.pool(tx, session, flag, start, end, state, query, extended=True)

    def infoset(tx: Snapshot, session: Session, ids: str, is_extended: bool) -> bytes:
        return listing.some(tx, session, _ids(ids), extended=is_extended)

    yield Method(
        "one.vm.info",
        (Param("id", int), Param("decrypt", bool, False)),
        _USE,
        Mode.POINT,
        info,
        "Return the VM with all its history.",
    )
    filters = (
        Param("filter", int),
        Param("start", int),
        Param("end", int),
        Param("state", int),
        Param("query", str, ""),
    )
    yield Method("one.vmpool.info", filters, Access.LISTING, Mode.READ, pool, "List VMs in their short form.")
    yield Method("one.vmpool.infoextended", filters, Access.LISTING, Mode.READ, extended, "List VMs in full.")
    yield Method(
        "one.vmpool.infoset",
        (Param("ids", str), Param("extended", bool)),
        Access.LISTING,
        Mode.READ,
        infoset,
        "List the VMs with these ids, separated by commas.",
    )


def _ids(text: str) -> list[int]:
    ids = [whole_number(word.strip()) for word in text.split(",") if word.strip()]
    found = [number for number in ids if number is not None]
    if len(found) < len(ids):
        raise ParameterError(f"Wrong list of ids {text[:80]!r}; separate numbers by commas")
    return found
