"""The API methods of VM templates."""

from __future__ import annotations

from collections.abc import Iterable

from opennebula_core.contracts.method import Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.documents.template import render_template
from opennebula_core.errors import ActionError, RequestError
from opennebula_core.managers.core import Core
from opennebula_core.managers.image.work import ImageWork
from opennebula_core.managers.objects import (
    AlsoChmod,
    Kind,
    chmod_method,
    chown_method,
    lock_methods,
    parse_text,
    rename_method,
    require_text,
    set_permissions,
    update_method,
)
from opennebula_core.managers.ownership import owned_by
from opennebula_core.managers.pools import pool_method
from opennebula_core.managers.restricted import check_restricted
from opennebula_core.managers.rights import require, require_on_pool
from opennebula_core.managers.template.extended import extended
from opennebula_core.managers.template.images import TemplateImages
from opennebula_core.managers.vm.allocate import allocate_vm, vm_demand
from opennebula_core.managers.vm.disks import find_image
from opennebula_core.managers.vm.effects import VmEffects
from opennebula_core.model.objects import VmTemplate
from opennebula_core.model.template import Template

TEMPLATE, IMAGE = ObjectKind.TEMPLATE, ObjectKind.IMAGE
_MANAGE = (Need(TEMPLATE, Right.MANAGE, "id"),)


def template_methods(core: Core) -> Iterable[Method]:
    """Return all methods of VM templates and their pool."""
    images = TemplateImages(core, ImageWork(core, VmEffects(core.vm_log, core.monitoring)))
    kind = Kind(
        "one.template",
        TEMPLATE,
        restricted=core.config.vm.restricted_attributes,
        other_bits=core.config.users.enable_other_permissions,
    )
    yield rename_method(kind)
    yield update_method(kind)
    yield chmod_method(kind, Param("recursive", bool, False), also=_chmod_images(core))
    yield chown_method(kind)
    yield from lock_methods(kind)
    yield _info(core)
    yield pool_method("one.templatepool.info", TEMPLATE, "VMTEMPLATE_POOL", _render_many)
    yield _allocate(core)
    yield _instantiate(core, images)
    yield _clone(images)
    yield _delete(images)


def _info(core: Core) -> Method:
    def info(tx: Snapshot, session: Session, template_id: int, is_extended: bool, decrypt: bool) -> bytes:
        found = tx.vm_templates.get(template_id)
        if is_extended:
            found.template = extended(tx, session, found.template, core.config.images.device_prefix)
        return render_template(found).encode()

    return Method(
        "one.template.info",
        (Param("id", int), Param("extended", bool, False), Param("decrypt", bool, False)),
        (Need(TEMPLATE, Right.USE, "id"),),
        Mode.POINT,
        info,
        "Return the template; extended, with what its disks and NICs would be.",
    )


def _render_many(tx: Snapshot, templates: Iterable[VmTemplate]) -> Iterable[str]:
    return map(render_template, templates)


def _new(tx: Transaction, session: Session, name: str, content: Template) -> VmTemplate:
    template = VmTemplate(
        id=-1,
        name=name,
        **owned_by(session),
        template=content,
        regtime=tx.now,
    )
    tx.vm_templates.allocate(template)
    return template


def _allocate(core: Core) -> Method:
    def prepare(text: str) -> tuple[object, ...]:
        return (parse_text(text),)

    def allocate(tx: Transaction, session: Session, content: Template) -> int:
        check_restricted(session, content, core.config.vm.restricted_attributes, "VM Template")
        return _new(tx, session, require_text("NAME", content.take("NAME")), content).id

    return Method(
        "one.template.allocate",
        (Param("template", str),),
        (Need(TEMPLATE, Right.CREATE),),
        Mode.WRITE,
        allocate,
        "Keep a VM template.",
        prepare,
    )


def _clone(images: TemplateImages) -> Method:
    def clone(tx: Transaction, session: Session, template_id: int, name: str, recursive: bool) -> int:
        # What an administrator has restricted goes along: its owner may use it, and cannot change it.
        content = tx.vm_templates.get(template_id).template.copy()
        if recursive:
            images.copy(tx, session, content, name)
        return _new(tx, session, name, content).id

    return Method(
        "one.template.clone",
        (Param("id", int), Param("name", str), Param("recursive", bool, False)),
        (Need(TEMPLATE, Right.USE, "id"), Need(TEMPLATE, Right.CREATE)),
        Mode.WRITE,
        clone,
        "Copy a template; recursive, with copies of its images.",
    )


def _chmod_images(core: Core) -> AlsoChmod:
    kind = Kind("one.image", IMAGE, other_bits=core.config.users.enable_other_permissions)

    def also(tx: Transaction, session: Session, template_id: int, bits: list[int]) -> None:
        """Set the permissions of the disks' images, too, all or none; names mean those of the owner."""
        template = tx.vm_templates.get(template_id)
        for disk in template.template.vectors("DISK"):
            if "IMAGE_ID" not in disk and "IMAGE" not in disk:
                continue
            try:
                image = find_image(tx, template.uid, disk)
                require(tx, session, IMAGE, Right.MANAGE, image.id)
                set_permissions(tx, session, kind, image.id, bits)
            except RequestError as error:
                raise ActionError(f"Cannot chmod image: {error}; use chmod without recursive") from None

    return also


def _delete(images: TemplateImages) -> Method:
    def delete(tx: Transaction, session: Session, template_id: int, recursive: bool) -> int:
        found = tx.vm_templates.get(template_id)
        if recursive:
            images.delete(tx, session, found)
        tx.vm_templates.drop(template_id)
        return template_id

    return Method(
        "one.template.delete",
        (Param("id", int), Param("recursive", bool, False)),
        _MANAGE,
        Mode.WRITE,
        delete,
        "Remove a template; recursive, with its images. VMs made from it stay.",
    )


def _keep_copy(
    tx: Transaction, session: Session, images: TemplateImages, content: Template, name: str
) -> int:
    """Keep a template of its own for a VM that is to last, with copies of the images, and return its id."""
    require_on_pool(tx, session, TEMPLATE)
    images.copy(tx, session, content, name, persistent=True)
    return _new(tx, session, name, content.copy()).id


def _instantiate(core: Core, images: TemplateImages) -> Method:
    def prepare(template_id: int, name: str, hold: bool, extra: str, persistent: bool) -> tuple[object, ...]:
        return template_id, name, hold, parse_text(extra), persistent

    def instantiate(
        tx: Transaction,
        session: Session,
        template_id: int,
        name: str,
        hold: bool,
        extra: Template,
        persistent: bool,
    ) -> int:
        source = tx.vm_templates.get(template_id)
        if extra or extra.has_clearings:
            require_on_pool(tx, session, TEMPLATE)  # as in OpenNebula: it makes another template of it
        # What the template itself holds was checked when it was written; only what is changed counts here.
        check_restricted(session, extra, core.config.vm.restricted_attributes, "VM Template", source.template)
        content = source.template.copy()
        content.merge(extra)
        if persistent:
            template_id = _keep_copy(tx, session, images, content, name or f"copy of template {template_id}")
        if name:
            content.set("NAME", name)
        content.set("TEMPLATE_ID", str(template_id))
        for unwanted in ("SAVED_TEMPLATE_ID",):
            content.remove(unwanted)
        vm = allocate_vm(
            tx, session, content, core.config.vm, core.config.images.device_prefix, hold=hold, is_checked=True
        )
        core.hooks.check_quota(session, ObjectKind.VM, **vm_demand(vm))
        return vm.id

    return Method(
        "one.template.instantiate",
        (
            Param("id", int),
            Param("name", str, ""),
            Param("hold", bool, False),
            Param("extra_template", str, ""),
            Param("persistent", bool, False),
        ),
        (Need(TEMPLATE, Right.USE, "id"), Need(ObjectKind.VM, Right.CREATE)),
        Mode.WRITE,
        instantiate,
        "Make a VM from a template and what the extra one adds or replaces; persistent, with its own images.",
        prepare,
    )
