"""Stays of VMs on hosts: opened with the capacity they take, closed with its return."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opennebula_core.db.transaction import Transaction
from opennebula_core.model.objects import Datastore, HistoryRecord, Host, Vm
from opennebula_core.model.states import HistoryAction

_BROUGHT_BACK = (HistoryAction.STOP, HistoryAction.UNDEPLOY, HistoryAction.UNDEPLOY_HARD)
"""What a stay ended with when the VM's disks have come back to the front-end."""


def waits_on_front_end(vm: Vm) -> bool:
    """Return whether a VM's files are on the front-end: its last stay has ended and brought them there."""
    last = vm.last_record
    return last is not None and last.etime > 0 and last.action in _BROUGHT_BACK


def open_record(
    tx: Transaction, vm: Vm, host: Host, datastore: Datastore, user_id: int, group_id: int
) -> HistoryRecord:
    """Add a record for a stay on ``host`` and take the capacity there; the caller saves the VM."""
    record = HistoryRecord(
        vm_id=vm.id,
        seq=vm.history[-1].seq + 1 if vm.history else 0,
        host_id=host.id,
        hostname=host.name,
        cluster_id=host.cluster_id,
        vm_mad=host.vm_mad,
        tm_mad=datastore.tm_mad,
        datastore_id=datastore.id,
        stime=tx.now,
        uid=user_id,
        gid=group_id,
    )
    vm.history.append(record)
    vm.template.set("TM_MAD_SYSTEM", datastore.tm_mad)
    tx.hosts.book(host.id, vm)
    return record


def reopen_record(tx: Transaction, vm: Vm, like: HistoryRecord) -> HistoryRecord:
    """Close the newest record and add one for a further stay on the same host as ``like``."""
    host = tx.hosts.get(like.host_id)
    datastore = tx.datastores.get(like.datastore_id)
    newest = vm.history[-1]
    close_record(tx, vm, newest, newest.action)
    return open_record(tx, vm, host, datastore, like.uid, like.gid)


def return_home(tx: Transaction, vm: Vm) -> HistoryRecord:
    """Give a migration up: the stay that was opened for it ends, and a further one at home begins.

    :returns: the new stay; the caller saves the VM
    """
    home = vm.history[-2]
    vm.history[-1].action = HistoryAction.NONE
    close_record(tx, vm, home, home.action)
    return reopen_record(tx, vm, home)


def close_record(tx: Transaction, vm: Vm, record: HistoryRecord, action: HistoryAction) -> None:
    """End a stay and give its capacity back; a record that is closed already is left alone."""
    if record.etime:
        return
    record.etime = tx.now
    record.action = action
    if record.running_stime and not record.running_etime:
        record.running_etime = tx.now
    tx.hosts.book(record.host_id, vm, -1)


@contextmanager
def rebooked(tx: Transaction, vm: Vm) -> Iterator[None]:
    """Have the VM's host count what the VM asks for after the block in place of what it asked for before.

    The one place where a VM that stays where it is takes more or less of its host.
    """
    record = vm.last_record
    if record is None or record.etime:
        yield
        return
    tx.hosts.book(record.host_id, vm, -1)
    yield
    tx.hosts.book(record.host_id, vm)


@contextmanager
def resized(tx: Transaction, vm: Vm) -> Iterator[None]:
    """End a VM's stay and begin another one in the same place, with what the block makes of its capacity.

    So each stay has one capacity, and accounting is exact. A VM that is on no host just changes.
    """
    record = vm.last_record
    if record is None or record.etime:
        yield
        return
    action, is_running = record.action, bool(record.running_stime and not record.running_etime)
    host, datastore = tx.hosts.get(record.host_id), tx.datastores.get(record.datastore_id)
    close_record(tx, vm, record, HistoryAction.RESIZE)
    yield
    opened = open_record(tx, vm, host, datastore, record.uid, record.gid)
    opened.action = action
    if is_running:
        opened.running_stime = tx.now
    else:  # when the guest ended is still told, and charged for once
        opened.running_stime = opened.running_etime = record.running_etime
