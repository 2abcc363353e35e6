"""The VMs that a scheduler has to know, fetched again only where something changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from opennebula_core.client import Client
from opennebula_core.contracts.matchmaking.views import ActiveVm, PendingVm
from opennebula_core.errors import NotFoundError
from opennebula_core.model.states import VmState
from opennebula_core.scheduling.numbers import whole_number
from opennebula_core.scheduling.reader import active_vm, is_waiting, pending_vm

ALL_VISIBLE: Final = -2
ANY_BUT_DONE: Final = -1
SET_SIZE: Final = 200
"""VMs fetched with one call; with more changed ones than a few such sets the whole pool is cheaper."""
MOST_SETS: Final = 10


class VmMirror:
    """Waiting VMs, and on request those that hold capacity.

    :param with_active_vms: keep all VMs that are not done, not only those that wait
    """

    def __init__(self, client: Client, *, with_active_vms: bool = False) -> None:
        self._client = client
        self._with_active_vms = with_active_vms
        self._waiting: dict[int, Element] = {}
        self._views: dict[int, PendingVm] = {}
        self._active: dict[int, ActiveVm] = {}
        self._first_running: dict[int, int] = {}
        self._groups: dict[int, frozenset[int]] = {}
        self._stale: set[int] = set()
        self._is_all_stale = True

    def reset(self) -> None:
        """Forget what is known."""
        self._is_all_stale = True
        self._groups.clear()
        self._views.clear()

    def mark(self, vm_id: int) -> None:
        """Note that a VM changed."""
        self._stale.add(vm_id)

    def mark_user(self, user_id: int) -> None:
        """Note that a user changed, perhaps in the groups."""
        if self._groups.pop(user_id, None) is not None:
            self._views = {vm_id: view for vm_id, view in self._views.items() if view.uid != user_id}

    @property
    def waiting_ids(self) -> frozenset[int]:
        """The VMs that wanted a host at the last refresh."""
        return frozenset(self._waiting)

    def refresh(self) -> set[int]:
        """Fetch what changed and return the hosts that are concerned; -1 among them: some unknown one."""
        if self._is_all_stale or len(self._stale) > SET_SIZE * MOST_SETS:
            self._fetch_all()
            concerned = {-1}
        else:
            concerned = self._fetch_changed()
        self._is_all_stale = False
        self._stale.clear()
        return concerned

    def waiting(self) -> tuple[PendingVm, ...]:
        """Return the waiting VMs in order of id."""
        for vm_id, element in self._waiting.items():
            if vm_id not in self._views:
                self._learn_groups(whole_number(element.findtext("UID", ""), -1))
                self._views[vm_id] = pending_vm(element, self._groups)
        return tuple(self._views[vm_id] for vm_id in sorted(self._waiting))

    def fetch_one(self, vm_id: int) -> PendingVm:
        """Return any VM as if it waited for a host, whatever its state.

        :raises NotFoundError: there is none
        """
        element = self._client.element("one.vm.info", vm_id)
        self._learn_groups(whole_number(element.findtext("UID", ""), -1))
        return pending_vm(element, self._groups)

    def active(self) -> tuple[ActiveVm, ...]:
        """Return the VMs that are not done and not pending, in order of id."""
        return tuple(self._active[vm_id] for vm_id in sorted(self._active))

    def _learn_groups(self, user_id: int) -> None:
        if user_id in self._groups:
            return
        try:
            user = self._client.element("one.user.info", user_id)
        except NotFoundError:  # deleted since: nobody's rights
            self._groups[user_id] = frozenset()
            return
        found = [*user.iterfind("GROUPS/ID"), *user.iterfind("GID")]
        self._groups[user_id] = frozenset(whole_number(item.text or "", -1) for item in found)

    def _fetch_all(self) -> None:
        self._waiting, self._views, self._active = {}, {}, {}
        self._first_running.clear()
        if self._with_active_vms:
            pool = self._client.element("one.vmpool.infoextended", ALL_VISIBLE, -1, -1, ANY_BUT_DONE)
            self._take(pool.iterfind("VM"))
            return
        pool = self._client.element("one.vmpool.infoextended", ALL_VISIBLE, -1, -1, int(VmState.PENDING))
        self._take(pool.iterfind("VM"))
        short = self._client.element("one.vmpool.info", ALL_VISIBLE, -1, -1, ANY_BUT_DONE)
        self._fetch([_id(vm) for vm in short.iterfind("VM") if vm.findtext("RESCHED") == "1"])

    def _fetch_changed(self) -> set[int]:
        ids = sorted(self._stale)
        hosts = {view.host_id for vm_id in ids if (view := self._active.get(vm_id))}
        for vm_id in ids:
            self._waiting.pop(vm_id, None)
            self._views.pop(vm_id, None)
            self._active.pop(vm_id, None)
        return (hosts | self._fetch(ids)) if ids else hosts

    def _fetch(self, ids: Sequence[int]) -> set[int]:
        """Fetch the VMs and return the hosts they are on or were last; -1 for a VM that is gone."""
        hosts: set[int] = set()
        for start in range(0, len(ids), SET_SIZE):
            some = ids[start : start + SET_SIZE]
            pool = self._client.element("one.vmpool.infoset", ",".join(map(str, some)), True)
            found = list(pool.iterfind("VM"))
            self._take(found)
            hosts.update(_host_id(vm) for vm in found if vm.find("HISTORY_RECORDS/HISTORY") is not None)
            if len(found) < len(some):
                hosts.add(-1)
        return hosts

    def _take(self, elements: Iterable[Element]) -> None:
        for element in elements:
            state = whole_number(element.findtext("STATE", ""))
            if is_waiting(element):
                self._waiting[_id(element)] = element
            if self._with_active_vms and state not in (VmState.PENDING, VmState.DONE):
                self._active[_id(element)] = active_vm(element, self._first_running_stime(element))

    def _first_running_stime(self, element: Element) -> int:
        """Return when the VM first ran; pools show the last history record alone, so others are fetched."""
        vm_id = _id(element)
        if vm_id not in self._first_running:
            records = element.findall("HISTORY_RECORDS/HISTORY")
            if not records:
                return 0
            if records[0].findtext("SEQ", "0") != "0":
                records = self._client.element("one.vm.info", vm_id).findall("HISTORY_RECORDS/HISTORY")
            stimes = [whole_number(record.findtext("RSTIME", "")) for record in records]
            first = min((stime for stime in stimes if stime), default=0)
            if not first:
                return 0
            self._first_running[vm_id] = first
        return self._first_running[vm_id]


def _id(element: Element) -> int:
    return whole_number(element.findtext("ID", ""), -1)


def _host_id(element: Element) -> int:
    return whole_number(element.findtext("HISTORY_RECORDS/HISTORY[last()]/HID", ""), -1)
