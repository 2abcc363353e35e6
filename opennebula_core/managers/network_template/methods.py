"""The API methods of templates of virtual networks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from opennebula_core.contracts.method import Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.documents.network_template import render_network_template
from opennebula_core.errors import ActionError, AllocateError, InternalError
from opennebula_core.managers.core import Core
from opennebula_core.managers.network.allocate import DEFAULT_CLUSTER, allocate_network
from opennebula_core.managers.network.groups import check_groups, groups_named
from opennebula_core.managers.objects import Kind, lock_methods, owned_methods, parse_text, require_text
from opennebula_core.managers.ownership import owned_by
from opennebula_core.managers.pools import info_method, pool_method
from opennebula_core.managers.restricted import check_restricted
from opennebula_core.model.numbers import whole_number
from opennebula_core.model.objects import NetworkTemplate, PoolObject
from opennebula_core.model.template import Template

VNTEMPLATE: Final = ObjectKind.VNTEMPLATE
CLUSTERS: Final = "CLUSTER_IDS"
"""The clusters of the networks that are made, as ``0,100``; without it they are in the default cluster.

Source: OpenNebula 6.10, Virtual Network Template.
"""
_WHERE_FROM: Final = ("TEMPLATE_ID", "TEMPLATE_NAME")


def network_template_methods(core: Core) -> Iterable[Method]:
    """Return all methods of templates of networks and their pool."""
    kind = Kind(
        "one.vntemplate",
        VNTEMPLATE,
        restricted=_restricted(core),
        updated=_updated,
        other_bits=core.config.users.enable_other_permissions,
    )
    yield from owned_methods(kind)
    yield from lock_methods(kind)
    yield info_method("one.vntemplate", VNTEMPLATE, _render)
    yield pool_method("one.vntemplatepool.info", VNTEMPLATE, "VNTEMPLATE_POOL", _render_many)
    yield _allocate(core)
    yield _instantiate(core)
    yield Method(
        "one.vntemplate.clone",
        (Param("id", int), Param("name", str)),
        (Need(VNTEMPLATE, Right.USE, "id"), Need(VNTEMPLATE, Right.CREATE)),
        Mode.WRITE,
        _clone,
        "Copy a template of networks.",
    )
    yield Method(
        "one.vntemplate.delete",
        (Param("id", int),),
        (Need(VNTEMPLATE, Right.MANAGE, "id"),),
        Mode.WRITE,
        _delete,
        "Remove a template of networks; those made from it stay.",
    )


def _restricted(core: Core) -> tuple[str, ...]:
    """Return what only administrators write: what they do of networks, and the clusters these come into."""
    return (*core.config.networks.restricted_attributes, CLUSTERS)


def _updated(tx: Transaction, session: Session, changed: PoolObject, template: Template) -> None:
    present = tx.network_templates.get(changed.id).template
    check_groups(tx, session, groups_named(template), groups_named(present))


def _render(tx: Snapshot, template: NetworkTemplate) -> str:
    return render_network_template(template)


def _render_many(tx: Snapshot, templates: Iterable[NetworkTemplate]) -> Iterable[str]:
    return map(render_network_template, templates)


def _new(tx: Transaction, session: Session, name: str, content: Template) -> int:
    return tx.network_templates.allocate(
        NetworkTemplate(
            id=-1,
            name=name,
            **owned_by(session),
            template=content,
            regtime=tx.now,
        )
    )


def _allocate(core: Core) -> Method:
    restricted = _restricted(core)

    def allocate(tx: Transaction, session: Session, content: Template) -> int:
        check_restricted(session, content, restricted, "VN Template")
        check_groups(tx, session, groups_named(content), set())
        return _new(tx, session, require_text("NAME", content.take("NAME")), content)

    return Method(
        "one.vntemplate.allocate",
        (Param("template", str),),
        (Need(VNTEMPLATE, Right.CREATE),),
        Mode.WRITE,
        allocate,
        "Keep a template of networks.",
        lambda text: (parse_text(text),),
    )


def _clone(tx: Transaction, session: Session, template_id: int, name: str) -> int:
    # What an administrator has restricted goes along: its owner may use it, and cannot change it.
    return _new(tx, session, name, tx.network_templates.get(template_id).template.copy())


def _delete(tx: Transaction, session: Session, template_id: int) -> int:
    tx.network_templates.get(template_id)
    tx.network_templates.drop(template_id)
    return template_id


def _instantiate(core: Core) -> Method:
    restricted, mac_prefix = _restricted(core), core.config.networks.mac_prefix

    def instantiate(tx: Transaction, session: Session, template_id: int, name: str, extra: Template) -> int:
        source = tx.network_templates.get(template_id)
        # What the template itself holds was checked when it was written; only what is changed counts here.
        check_restricted(session, extra, restricted, "User Template", source.template)
        content = source.template.copy()
        content.merge(extra)
        if name:
            content.set("NAME", name)
        for attribute, value in zip(_WHERE_FROM, (str(template_id), source.name), strict=True):
            content.set(attribute, value)
        cluster_ids = _cluster_ids(tx, content)
        try:
            return allocate_network(
                tx, session, content, cluster_ids, mac_prefix, groups_named(source.template)
            )
        except InternalError as error:
            raise AllocateError(f"Error allocating a new virtual network. {error}") from None

    return Method(
        "one.vntemplate.instantiate",
        (Param("id", int), Param("name", str, ""), Param("extra_template", str, "")),
        (Need(VNTEMPLATE, Right.USE, "id"), Need(ObjectKind.NET, Right.CREATE)),
        Mode.WRITE,
        instantiate,
        "Make a network from a template, with what the extra template adds or replaces.",
        lambda template_id, name, extra: (template_id, name, parse_text(extra)),
    )


def _cluster_ids(tx: Transaction, content: Template) -> list[int]:
    """Take the clusters out of a template, and return them.

    :raises ActionError: one does not exist
    """
    texts = [
        text for value in content.remove(CLUSTERS) if isinstance(value, str) for text in value.split(",")
    ]
    found = []
    for text in filter(None, map(str.strip, texts)):
        cluster_id = whole_number(text)
        if cluster_id is None or not tx.clusters.exists(cluster_id):
            raise ActionError(f"Cannot put the network into cluster {text!r} of {CLUSTERS}: there is none.")
        found.append(cluster_id)
    return sorted(set(found)) or [DEFAULT_CLUSTER]
