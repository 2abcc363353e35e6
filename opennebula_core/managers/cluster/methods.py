"""The API methods of clusters."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from opennebula_core.contracts.method import Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.documents.cluster import render_cluster
from opennebula_core.errors import ActionError
from opennebula_core.managers.host.capacity import set_limits
from opennebula_core.managers.objects import Kind, rename_method, update_method
from opennebula_core.managers.pools import info_method, pool_method
from opennebula_core.managers.rebalancing.table import drop_plan, plan_document
from opennebula_core.managers.vdc.membership import forget_resource
from opennebula_core.model.objects import Cluster, Datastore, Network, PoolObject
from opennebula_core.model.template import Template

CLUSTER = ObjectKind.CLUSTER
_ADMIN = (Need(CLUSTER, Right.ADMIN, "id"),)
_FIRST_OWN = 100
_DEFAULT = 0


def cluster_methods() -> Iterable[Method]:
    """Return all methods of clusters and their pool."""
    kind = Kind("one.cluster", CLUSTER, updated=_updated, renamed=_renamed)
    yield rename_method(kind)
    yield update_method(kind)
    yield info_method("one.cluster", CLUSTER, _render)
    yield pool_method("one.clusterpool.info", CLUSTER, "CLUSTER_POOL", _render_many, ())
    yield Method(
        "one.cluster.allocate",
        (Param("name", str),),
        (Need(CLUSTER, Right.CREATE),),
        Mode.WRITE,
        _allocate,
        "Make a cluster.",
    )
    yield Method(
        "one.cluster.delete", (Param("id", int),), _ADMIN, Mode.WRITE, _delete, "Remove an empty cluster."
    )
    yield from _member_methods()


def _render(tx: Snapshot, cluster: Cluster) -> str:
    return render_cluster(cluster, *tx.clusters.members(cluster.id), plan_document(tx, cluster.id))


def _render_many(tx: Snapshot, clusters: Iterable[Cluster]) -> Iterable[str]:
    return (_render(tx, cluster) for cluster in clusters)


def _updated(tx: Transaction, session: Session, changed: object, template: Template) -> None:
    """Let what the cluster reserves count for its hosts at once."""
    assert isinstance(changed, Cluster)
    tx.execute("UPDATE cluster SET template = ? WHERE id = ?", (template.to_json(), changed.id))
    for host in tx.hosts.where("cluster_id = ?", (changed.id,)):
        set_limits(tx, host)
        tx.hosts.save(host)


def _renamed(tx: Transaction, cluster: PoolObject) -> None:
    for (host_id,) in tx.query(
        "UPDATE host SET cluster = ? WHERE cluster_id = ? RETURNING id", (cluster.name, cluster.id)
    ):
        tx.emit(ObjectKind.HOST, host_id, "update")


def _allocate(tx: Transaction, session: Session, name: str) -> int:
    template = Template()
    template.set("RESERVED_CPU", "")
    template.set("RESERVED_MEM", "")
    return tx.clusters.allocate(Cluster(id=-1, name=name, permissions=0o600, template=template))


def _delete(tx: Transaction, session: Session, cluster_id: int) -> int:
    tx.clusters.get(cluster_id)
    if cluster_id < _FIRST_OWN:
        raise ActionError(
            f"Cannot delete cluster. System cluster {cluster_id} cannot be deleted.", cluster_id
        )
    for members, what in zip(tx.clusters.members(cluster_id), ("hosts", "datastores", "vnets"), strict=True):
        if members:
            raise ActionError(
                f"Cannot delete cluster. Cluster {cluster_id} is not empty, "
                f"it contains {len(members)} {what}.",
                cluster_id,
            )
    forget_resource(tx, CLUSTER, cluster_id)
    drop_plan(tx, cluster_id)
    tx.clusters.drop(cluster_id)
    return cluster_id


Change = Callable[[Transaction, int, int], None]


def _move_host(tx: Transaction, cluster_id: int, host_id: int) -> None:
    host, cluster = tx.hosts.get(host_id), tx.clusters.get(cluster_id)
    host.cluster_id, host.cluster = cluster.id, cluster.name
    set_limits(tx, host)
    tx.hosts.save(host)


def _remove_host(tx: Transaction, cluster_id: int, host_id: int) -> None:
    if tx.hosts.get(host_id).cluster_id == cluster_id:
        _move_host(tx, _DEFAULT, host_id)


def _join(member: Datastore | Network, cluster_id: int) -> None:
    if cluster_id not in member.cluster_ids:
        member.cluster_ids.append(cluster_id)


def _add_datastore(tx: Transaction, cluster_id: int, datastore_id: int) -> None:
    datastore = tx.datastores.get(datastore_id)
    _join(datastore, cluster_id)
    tx.datastores.save(datastore)


def _remove_datastore(tx: Transaction, cluster_id: int, datastore_id: int) -> None:
    datastore = tx.datastores.get(datastore_id)
    datastore.cluster_ids = [member for member in datastore.cluster_ids if member != cluster_id]
    tx.datastores.save(datastore)


def _add_network(tx: Transaction, cluster_id: int, network_id: int) -> None:
    network = tx.networks.get(network_id)
    _join(network, cluster_id)
    tx.networks.save(network)


def _remove_network(tx: Transaction, cluster_id: int, network_id: int) -> None:
    network = tx.networks.get(network_id)
    network.cluster_ids = [member for member in network.cluster_ids if member != cluster_id]
    tx.networks.save(network)


def _member_methods() -> Iterable[Method]:
    rows: tuple[tuple[str, ObjectKind, Change, str], ...] = (
        ("addhost", ObjectKind.HOST, _move_host, "Move a host into the cluster."),
        ("delhost", ObjectKind.HOST, _remove_host, "Move a host back to the default cluster."),
        ("adddatastore", ObjectKind.DATASTORE, _add_datastore, "Let the cluster use a datastore."),
        ("deldatastore", ObjectKind.DATASTORE, _remove_datastore, "Keep the cluster from using a datastore."),
        ("addvnet", ObjectKind.NET, _add_network, "Let the cluster use a network."),
        ("delvnet", ObjectKind.NET, _remove_network, "Keep the cluster from using a network."),
    )
    for word, kind, change, doc in rows:
        yield _member_method(word, kind, change, doc)


def _member_method(word: str, kind: ObjectKind, change: Change, doc: str) -> Method:
    def handler(tx: Transaction, session: Session, cluster_id: int, member_id: int) -> int:
        change(tx, cluster_id, member_id)
        tx.emit(CLUSTER, cluster_id, "update")
        return cluster_id

    return Method(
        f"one.cluster.{word}",
        (Param("id", int), Param("member", int)),
        (*_ADMIN, Need(kind, Right.ADMIN, "member")),
        Mode.WRITE,
        handler,
        doc,
    )
