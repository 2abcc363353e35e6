"""What groups of VMs ask of a plan: hosts for their roles, VMs that share none, VMs that stay together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from xml.etree.ElementTree import Element

from opennebula_core.model.vm_groups import AFFINED, ANTI_AFFINED
from opennebula_core.scheduling.numbers import whole_number


@dataclass
class Affinity:
    """The rules of all groups, by VM.

    :ivar apart: the VMs that may not be on its host; of two, each has the other
    :ivar together: VMs that a rule keeps with others
    :ivar only: the hosts that it must be on; ``never`` those that it must not be on
    """

    apart: dict[int, set[int]] = field(default_factory=dict)
    together: set[int] = field(default_factory=set)
    only: dict[int, frozenset[int]] = field(default_factory=dict)
    never: dict[int, frozenset[int]] = field(default_factory=dict)

    @classmethod
    def from_pool(cls, pool: Element) -> Affinity:
        """Return the rules of a VM_GROUP_POOL document."""
        affinity = cls()
        for group in pool.iterfind("VM_GROUP"):
            affinity._add(group)
        return affinity

    def targets(self, vm_id: int, host_ids: Iterable[int]) -> frozenset[int]:
        """Return the hosts among these on which the VM may be."""
        found = frozenset(host_ids) - self.never.get(vm_id, frozenset())
        only = self.only.get(vm_id)
        return found if only is None else found & only

    def _add(self, group: Element) -> None:
        members: dict[str, Sequence[int]] = {}
        for role in group.iterfind("ROLES/ROLE"):
            vm_ids = members[role.findtext("NAME", "")] = _numbers(role.findtext("VMS", ""))
            self._add_role(role, vm_ids)
        for text in _texts(group, ANTI_AFFINED):
            for one, other in combinations(_named(text, members), 2):
                self._keep_apart((a, b) for a in one for b in other)
        for text in _texts(group, AFFINED):
            self._keep_together([vm_id for vm_ids in _named(text, members) for vm_id in vm_ids])

    def _add_role(self, role: Element, vm_ids: Sequence[int]) -> None:
        policy = role.findtext("POLICY", "").upper()
        if policy == ANTI_AFFINED:
            self._keep_apart(combinations(vm_ids, 2))
        elif policy == AFFINED:
            self._keep_together(vm_ids)
        for name, rules in (("HOST_AFFINED", self.only), ("HOST_ANTI_AFFINED", self.never)):
            hosts = frozenset(_numbers(role.findtext(name, "")))
            if hosts:
                rules.update((vm_id, hosts) for vm_id in vm_ids)

    def _keep_apart(self, pairs: Iterable[tuple[int, int]]) -> None:
        for one, other in pairs:
            self.apart.setdefault(one, set()).add(other)
            self.apart.setdefault(other, set()).add(one)

    def _keep_together(self, vm_ids: Sequence[int]) -> None:
        if len(vm_ids) > 1:
            self.together.update(vm_ids)


def _texts(group: Element, name: str) -> Iterable[str]:
    return (item.text or "" for item in group.iterfind(f"TEMPLATE/{name}"))


def _named(text: str, members: Mapping[str, Sequence[int]]) -> list[Sequence[int]]:
    return [members[name] for word in text.split(",") if (name := word.strip()) in members]


def _numbers(text: str) -> list[int]:
    return [whole_number(word) for word in text.split(",") if word.strip()]
