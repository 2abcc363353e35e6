"""Groups of VMs as policies see them, and what they demand of each member.

Source of the meaning: OpenNebula 6.10, VM groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Final

AFFINED: Final = "AFFINED"
ANTI_AFFINED: Final = "ANTI_AFFINED"


@dataclass(frozen=True, slots=True, eq=False)
class RoleView:
    """A role of a group of VMs.

    :param policy: AFFINED, ANTI_AFFINED or NONE: how its own VMs stand to each other
    :param host_affined: ids of the hosts that its VMs are to be on; none: any
    :param vm_ids: its VMs, wherever they are
    """

    name: str
    policy: str = ""
    host_affined: frozenset[int] = frozenset()
    host_anti_affined: frozenset[int] = frozenset()
    vm_ids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class VmGroupView:
    """A group of VMs.

    :param affined: sets of roles whose VMs are to be on one host
    :param anti_affined: sets of roles that share no host with each other
    """

    id: int
    name: str
    roles: Mapping[str, RoleView] = field(default_factory=dict)
    affined: Sequence[frozenset[str]] = ()
    anti_affined: Sequence[frozenset[str]] = ()

    def joined_by(self, members: Iterable[tuple[int, str]]) -> VmGroupView:
        """Return the group with members, as VM ids and roles, that its roles may not list yet."""
        roles = dict(self.roles)
        for vm_id, name in members:
            role = roles.get(name)
            if role is not None and vm_id not in role.vm_ids:
                roles[name] = replace(role, vm_ids=role.vm_ids | {vm_id})
        return replace(self, roles=roles)


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """What groups demand of the VMs of one role.

    :param together: the VMs that are to be on one host, members of the role among them; none: no matter
    :param apart: the VMs that may not be on its host
    :param hosts: the only hosts that are allowed, None: no matter
    :param not_hosts: hosts that are forbidden
    """

    together: frozenset[int] = frozenset()
    apart: frozenset[int] = frozenset()
    hosts: frozenset[int] | None = None
    not_hosts: frozenset[int] = frozenset()

    def joined(self, other: Terms) -> Terms:
        """Return what is demanded of VMs that go to one host together."""
        hosts = self.hosts if other.hosts is None else other.hosts
        if self.hosts is not None and other.hosts is not None:
            hosts = self.hosts & other.hosts
        return Terms(
            self.together | other.together,
            self.apart | other.apart,
            hosts,
            self.not_hosts | other.not_hosts,
        )


def terms_by_role(group: VmGroupView) -> dict[str, Terms]:
    """Return the terms of each role of a group."""
    return {name: _terms(role, group) for name, role in group.roles.items()}


def _terms(role: RoleView, group: VmGroupView) -> Terms:
    apart: set[int] = set(role.vm_ids) if role.policy == ANTI_AFFINED else set()
    for rule in group.anti_affined:
        if role.name in rule:
            apart |= _members(group, rule - {role.name})
    return Terms(
        together=_members(group, bundle_of(role.name, group)),
        apart=frozenset(apart),
        hosts=role.host_affined or None,
        not_hosts=role.host_anti_affined,
    )


def bundle_of(name: str, group: VmGroupView) -> frozenset[str]:
    """Return the roles that are to be on one host with a role, itself among them; none: no rule says so.

    Rules that share a role are one: with ``a,b`` and ``b,c`` all three are together.
    """
    bundle: frozenset[str] = frozenset()
    if any(name in rule for rule in group.affined) or group.roles[name].policy == AFFINED:
        bundle = frozenset((name,))
    while bundle:
        wider = reduce(frozenset.union, (rule for rule in group.affined if rule & bundle), bundle)
        if wider == bundle:
            break
        bundle = wider
    return bundle


def _members(group: VmGroupView, names: Iterable[str]) -> frozenset[int]:
    roles = (group.roles[name] for name in names if name in group.roles)
    return frozenset().union(*(role.vm_ids for role in roles))
