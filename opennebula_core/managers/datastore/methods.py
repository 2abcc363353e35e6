"""The API methods of datastores."""

from __future__ import annotations

import re
from collections.abc import Iterable

from opennebula_core.contracts.method import Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.documents.datastore import render_datastore
from opennebula_core.errors import (
    ActionError,
    ConfigError,
    DriverNotFoundError,
    InternalError,
)
from opennebula_core.managers.core import Core
from opennebula_core.managers.objects import Kind, owned_methods, parse_text, require_text
from opennebula_core.managers.ownership import owned_by
from opennebula_core.managers.pools import info_method, pool_method
from opennebula_core.managers.vdc.membership import forget_resource
from opennebula_core.model.objects import Datastore, PoolObject
from opennebula_core.model.states import DatastoreState, DatastoreType, DiskType
from opennebula_core.model.template import Template

DATASTORE = ObjectKind.DATASTORE
_DEFAULT_CLUSTER = 0
NO_DRIVER = "-"
"""The DS_MAD of system datastores."""
_DRIVER_SETTINGS = ("CLONE_TARGET", "LN_TARGET", "SHARED", "ALLOW_ORPHANS", "DISK_TYPE")
_KEPT = ("DS_MAD", "TM_MAD", "TYPE", "BASE_PATH", *_DRIVER_SETTINGS)
_DRIVER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")


def datastore_methods(core: Core) -> Iterable[Method]:
    """Return all methods of datastores and their pool."""
    kind = Kind(
        "one.datastore",
        DATASTORE,
        kept=_KEPT,
        updated=_updated,
        renamed=_renamed,
        other_bits=core.config.users.enable_other_permissions,
    )
    yield from owned_methods(kind)
    yield info_method("one.datastore", DATASTORE, _render)
    yield pool_method("one.datastorepool.info", DATASTORE, "DATASTORE_POOL", _render_many, ())
    yield _allocate(core)
    yield Method(
        "one.datastore.delete",
        (Param("id", int),),
        (Need(DATASTORE, Right.MANAGE, "id"),),
        Mode.WRITE,
        _delete,
        "Remove an empty datastore.",
    )
    yield Method(
        "one.datastore.enable",
        (Param("id", int), Param("enable", bool)),
        (Need(DATASTORE, Right.MANAGE, "id"),),
        Mode.WRITE,
        _enable,
        "Enable or disable a system datastore.",
    )


def _render(tx: Snapshot, datastore: Datastore) -> str:
    return render_datastore(datastore, tx.datastores.image_ids(datastore.id))


def _render_many(tx: Snapshot, datastores: Iterable[Datastore]) -> Iterable[str]:
    images = tx.datastores.image_ids_by_datastore()
    return (render_datastore(datastore, images.get(datastore.id, ())) for datastore in datastores)


def _updated(tx: Transaction, session: Session, changed: object, template: Template) -> None:
    assert isinstance(changed, Datastore)
    changed.ds_mad = template.get("DS_MAD") or changed.ds_mad
    changed.tm_mad = template.get("TM_MAD") or changed.tm_mad
    _check_words(changed.tm_mad, changed.ds_mad)
    # What is in a datastore does not change its kind, so the datastore does not either.
    template.set("TYPE", changed.type.name)


def _renamed(tx: Transaction, datastore: PoolObject) -> None:
    for (image_id,) in tx.query(
        "UPDATE image SET datastore = ? WHERE datastore_id = ? RETURNING id", (datastore.name, datastore.id)
    ):
        tx.emit(ObjectKind.IMAGE, image_id, "update")


def datastore_type(template: Template) -> DatastoreType:
    """Return the type that a template's TYPE means, IMAGE_DS without one.

    :raises InternalError: there is none of that name
    """
    word = template.get("TYPE") or DatastoreType.IMAGE_DS.name
    try:
        return DatastoreType[word.upper()]
    except KeyError:
        names = ", ".join(kind.name for kind in DatastoreType)
        raise InternalError(f"Unknown datastore type {word!r}; use one of {names}") from None


def _check_words(tm_mad: str, ds_mad: str) -> None:
    for name, value in (("TM_MAD", tm_mad), ("DS_MAD", ds_mad)):
        if not _DRIVER.fullmatch(value) and (name, value) != ("DS_MAD", NO_DRIVER):
            raise InternalError(f"No {name} in template; name a driver that is installed.")


def new_datastore(core: Core, session: Session, template: Template, cluster_id: int) -> Datastore:
    """Return the datastore that a template describes, not yet in any pool.

    :raises InternalError: a name or driver is missing
    """
    name = template.take("NAME")
    kind = datastore_type(template)
    tm_mad = template.get("TM_MAD")
    ds_mad = NO_DRIVER if kind is DatastoreType.SYSTEM_DS else template.get("DS_MAD")
    require_text("NAME", name)
    _check_words(tm_mad, ds_mad)
    for attribute, value in (
        ("TYPE", kind.name),
        ("CLONE_TARGET", "SYSTEM"),
        ("LN_TARGET", "SYSTEM"),
        ("SHARED", "NO"),
        ("ALLOW_ORPHANS", "NO"),
    ):
        if attribute not in template:
            template.set(attribute, value)
    template.set("DISK_TYPE", template.get("DISK_TYPE") or "FILE")
    template.remove("BASE_PATH")
    return Datastore(
        id=-1,
        name=name,
        **owned_by(session, 0o640),
        template=template,
        type=kind,
        disk_type=DiskType.FILE,
        ds_mad=ds_mad,
        tm_mad=tm_mad,
        cluster_ids=[_DEFAULT_CLUSTER if cluster_id < 0 else cluster_id],
    )


def base_path(core: Core, datastore: Datastore) -> str:
    """Return a datastore's folder: on the hosts for system datastores, on the front-end for the others."""
    root = (
        core.config.datastores.path
        if datastore.type is DatastoreType.SYSTEM_DS
        else str(core.location.datastores)
    )
    return f"{root.rstrip('/')}/{datastore.id}"


def _allocate(core: Core) -> Method:
    def prepare(text: str, cluster_id: int) -> tuple[object, ...]:
        template = parse_text(text)
        _check_drivers(core, template)
        return template, cluster_id

    def allocate(tx: Transaction, session: Session, template: Template, cluster_id: int) -> int:
        if cluster_id >= 0:
            tx.clusters.get(cluster_id)
        datastore = new_datastore(core, session, template, cluster_id)
        tx.datastores.allocate(datastore)
        datastore.base_path = base_path(core, datastore)
        tx.datastores.save(datastore)
        return datastore.id

    return Method(
        "one.datastore.allocate",
        (Param("template", str), Param("cluster", int, -1)),
        (Need(DATASTORE, Right.CREATE), Need(ObjectKind.CLUSTER, Right.ADMIN, "cluster", 0)),
        Mode.WRITE,
        allocate,
        "Make a datastore from a template text.",
        prepare,
    )


def _check_drivers(core: Core, template: Template) -> None:
    """Refuse drivers that are not installed, as OpenNebula refuses those that its configuration lacks.

    :raises InternalError: a name is misspelt, or its package missing
    """
    for name, kind in (("TM_MAD", "tm"), ("DS_MAD", "datastore")):
        word = template.get(name)
        if word and word != NO_DRIVER:
            try:
                core.drivers.check_installed(kind, word)
            except (ConfigError, DriverNotFoundError) as error:
                raise InternalError(f"{name} {word!r} cannot be used: {error}") from None


def _delete(tx: Transaction, session: Session, datastore_id: int) -> int:
    if tx.datastores.image_ids(datastore_id):
        raise ActionError(f"Cannot delete datastore. Datastore {datastore_id} is not empty.", datastore_id)
    users = tx.value(
        "SELECT COUNT(DISTINCT vm.id) FROM history JOIN vm ON vm.id = history.vm_id "
        "WHERE history.datastore_id = ? AND vm.state <> 6 AND (history.etime = 0 "
        "OR seq = (SELECT MAX(seq) FROM history AS newest WHERE newest.vm_id = vm.id))",
        (datastore_id,),
    )
    if users:
        raise ActionError(f"Cannot delete datastore. {users} VMs have their disks in it.", datastore_id)
    forget_resource(tx, DATASTORE, datastore_id)
    tx.datastores.drop(datastore_id)
    return datastore_id


def _enable(tx: Transaction, session: Session, datastore_id: int, wanted: bool) -> int:
    datastore = tx.datastores.get(datastore_id)
    if datastore.type is not DatastoreType.SYSTEM_DS:
        raise ActionError("Only system datastores can be enabled and disabled.", datastore_id)
    datastore.state = DatastoreState.READY if wanted else DatastoreState.DISABLED
    tx.datastores.save(datastore, f"state {datastore.state.name}")
    return datastore_id
