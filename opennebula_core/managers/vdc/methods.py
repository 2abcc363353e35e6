"""The API methods of virtual data centres. Source of rules and texts: OpenNebula 6.10, Vdc."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from opennebula_core.contracts.method import Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.documents.vdc import render_vdc
from opennebula_core.errors import ActionError, AuthorizationError, InternalError, NotFoundError
from opennebula_core.managers.objects import Kind, parse_text, rename_method, require_text, update_method
from opennebula_core.managers.pools import info_method, pool_method
from opennebula_core.managers.vdc.rules import rules_followed
from opennebula_core.model.objects import ALL_RESOURCES, OWN_ZONE, Vdc, VdcResource
from opennebula_core.model.permissions import is_allowed
from opennebula_core.model.template import Template

VDC: Final = ObjectKind.VDC
_FIRST_OWN: Final = 100
_ADMIN: Final = (Need(VDC, Right.ADMIN, "id"),)
_RESOURCES: Final = (
    ("cluster", ObjectKind.CLUSTER),
    ("host", ObjectKind.HOST),
    ("datastore", ObjectKind.DATASTORE),
    ("vnet", ObjectKind.NET),
)


def vdc_methods() -> Iterable[Method]:
    """Return all methods of virtual data centres and their pool."""
    kind = Kind("one.vdc", VDC)
    yield rename_method(kind)
    yield update_method(kind)
    yield info_method("one.vdc", VDC, _render)
    yield pool_method("one.vdcpool.info", VDC, "VDC_POOL", _render_many, ())
    yield Method(
        "one.vdc.allocate",
        (Param("template", str),),
        (Need(VDC, Right.CREATE),),
        Mode.WRITE,
        _allocate,
        "Make a virtual data centre, without groups and resources.",
        lambda text: (parse_text(text),),
    )
    yield Method(
        "one.vdc.delete",
        (Param("id", int),),
        _ADMIN,
        Mode.WRITE,
        _delete,
        "Remove a virtual data centre; its groups lose what no other one gives them.",
    )
    yield _group_method("addgroup", _add_group, "Let a group use what the virtual data centre holds.")
    yield _group_method("delgroup", _remove_group, "Take a group out of the virtual data centre.")
    for word, resource in _RESOURCES:
        yield _resource_method(
            f"add{word}", word, resource, _add, f"Let its groups use a {word}; -10 is all."
        )
        yield _resource_method(f"del{word}", word, resource, _remove, f"Take a {word} away; -10 is all.")


def _render(tx: Snapshot, vdc: Vdc) -> str:
    return render_vdc(vdc)


def _render_many(tx: Snapshot, vdcs: Iterable[Vdc]) -> Iterable[str]:
    return map(render_vdc, vdcs)


def _allocate(tx: Transaction, session: Session, template: Template) -> int:
    name = require_text("NAME", template.take("NAME"))
    return tx.vdcs.allocate(Vdc(id=-1, name=name, permissions=0o600, template=template))


def _delete(tx: Transaction, session: Session, vdc_id: int) -> int:
    vdc = tx.vdcs.get(vdc_id)
    if vdc_id < _FIRST_OWN:
        raise ActionError("Cannot delete VDC. System VDCs (ID < 100) cannot be deleted.", vdc_id)
    with rules_followed(tx, vdc.group_ids):
        tx.vdcs.drop(vdc_id)
    return vdc_id


# -- groups ----------------------------------------------------------------------------------------

GroupChange = Callable[[Vdc, int], None]


def _add_group(vdc: Vdc, group_id: int) -> None:
    if group_id in vdc.group_ids:
        raise InternalError(f"Group {group_id} is already assigned to the VDC {vdc.id}", vdc.id)
    vdc.group_ids.append(group_id)


def _remove_group(vdc: Vdc, group_id: int) -> None:
    if group_id not in vdc.group_ids:
        raise InternalError(f"Group {group_id} is not assigned to the VDC {vdc.id}", vdc.id)
    vdc.group_ids.remove(group_id)


def _group_method(word: str, change: GroupChange, doc: str) -> Method:
    def handler(tx: Transaction, session: Session, vdc_id: int, group_id: int) -> int:
        vdc = tx.vdcs.get(vdc_id)
        with rules_followed(tx, [group_id]):
            change(vdc, group_id)
            tx.vdcs.save(vdc)
        return vdc_id

    needs = (*_ADMIN, Need(ObjectKind.GROUP, Right.ADMIN, "group"))
    return Method(f"one.vdc.{word}", (Param("id", int), Param("group", int)), needs, Mode.WRITE, handler, doc)


# -- resources -------------------------------------------------------------------------------------

ResourceChange = Callable[[Vdc, VdcResource], None]


def _add(vdc: Vdc, resource: VdcResource) -> None:
    if resource in vdc.resources:
        raise InternalError(f"{_what(resource)} is already assigned to the VDC {vdc.id}", vdc.id)
    if resource.resource_id == ALL_RESOURCES:  # those that were named so far are among them
        vdc.resources = [
            item for item in vdc.resources if (item.kind, item.zone_id) != (resource.kind, resource.zone_id)
        ]
    vdc.resources.append(resource)


def _remove(vdc: Vdc, resource: VdcResource) -> None:
    if resource not in vdc.resources:
        raise InternalError(f"{_what(resource)} is not assigned to the VDC {vdc.id}", vdc.id)
    vdc.resources.remove(resource)


def _what(resource: VdcResource) -> str:
    return f"{resource.kind} {resource.resource_id} from Zone {resource.zone_id}"


def _resource_method(method: str, word: str, kind: ObjectKind, change: ResourceChange, doc: str) -> Method:
    def handler(tx: Transaction, session: Session, vdc_id: int, zone_id: int, resource_id: int) -> int:
        vdc = tx.vdcs.get(vdc_id)
        _require_zone(tx, session, zone_id)
        if resource_id < 0 and resource_id != ALL_RESOURCES:
            raise NotFoundError(f"Error getting {tx.pool(kind).title} Pool.", resource_id)
        with rules_followed(tx, vdc.group_ids):
            change(vdc, VdcResource(kind.value, zone_id, resource_id))
            tx.vdcs.save(vdc)
        return vdc_id

    return Method(
        f"one.vdc.{method}",
        (Param("id", int), Param("zone", int), Param(word, int)),
        (*_ADMIN, Need(kind, Right.ADMIN, word, 0)),
        Mode.WRITE,
        handler,
        doc,
    )


def _require_zone(tx: Transaction, session: Session, zone_id: int) -> None:
    """Check that the zone is ours, and that the caller may administer it, as OpenNebula does.

    :raises NotFoundError: it is another
    :raises AuthorizationError: he may not
    """
    if zone_id != OWN_ZONE:
        raise NotFoundError(f"Error getting zone [{zone_id}].", zone_id)
    allowed = session.is_admin or is_allowed(
        user_id=session.user_id,
        group_ids=session.group_ids,
        kind=ObjectKind.ZONE.value,
        right=int(Right.ADMIN),
        object_id=zone_id,
        owner_id=0,
        group_id=0,
        permissions=0,
        cluster_ids=(),
        rules=tx.acl_rules(),
    )
    if not allowed:
        raise AuthorizationError(
            f"User [{session.user_id}] : Not authorized to perform ADMIN ZONE [{zone_id}].", zone_id
        )
