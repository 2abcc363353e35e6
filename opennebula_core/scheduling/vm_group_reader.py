"""From VM_GROUP documents to groups of VMs as policies see them."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from opennebula_core.contracts.matchmaking.groups import RoleView, VmGroupView
from opennebula_core.scheduling.numbers import whole_number


def vm_group_view(element: Element) -> VmGroupView:
    """Return a group of VMs."""
    roles = [_role(item) for item in element.iterfind("ROLES/ROLE")]
    return VmGroupView(
        id=whole_number(element.findtext("ID", ""), -1),
        name=element.findtext("NAME", ""),
        roles={role.name: role for role in roles},
        affined=_rules(element, "AFFINED"),
        anti_affined=_rules(element, "ANTI_AFFINED"),
    )


def _role(element: Element) -> RoleView:
    return RoleView(
        name=element.findtext("NAME", ""),
        policy=element.findtext("POLICY", "").upper(),
        host_affined=_ids(element, "HOST_AFFINED"),
        host_anti_affined=_ids(element, "HOST_ANTI_AFFINED"),
        vm_ids=_ids(element, "VMS"),
    )


def _rules(element: Element, name: str) -> list[frozenset[str]]:
    return [frozenset(_words(item.text)) for item in element.iterfind(f"TEMPLATE/{name}")]


def _ids(element: Element, name: str) -> frozenset[int]:
    """Return ids of a list; -1, which is nobody's, for a word that is none, so that it stays a list."""
    return frozenset(whole_number(word, -1) for word in _words(element.findtext(name)))


def _words(text: str | None) -> list[str]:
    return [word.strip() for word in (text or "").split(",") if word.strip()]
