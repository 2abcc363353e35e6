"""The tables as peewee models: statements are written with them once and compiled to SQL.

The rows themselves never are peewee objects on a hot path; a test holds these models against the schema.
"""

from __future__ import annotations

from peewee import CompositeKey, FloatField, IntegerField, Model, SqliteDatabase, TextField

DATABASE = SqliteDatabase(None)


class _Table(Model):
    class Meta:
        database = DATABASE


class PoolRow(_Table):
    """The columns of every object in a pool."""

    id = IntegerField(primary_key=True)
    name = TextField()
    uid = IntegerField()
    gid = IntegerField()
    uname = TextField()
    gname = TextField()
    permissions = IntegerField()
    lock_level = IntegerField()
    lock_owner = IntegerField()
    lock_time = IntegerField()
    template = TextField()


class VmRow(PoolRow):
    """VMs; ``host_id`` is set while the VM holds capacity there, ``revision`` counts changes of the row."""

    state = IntegerField()
    lcm_state = IntegerField()
    prev_state = IntegerField()
    prev_lcm_state = IntegerField()
    resched = IntegerField()
    stime = IntegerField()
    etime = IntegerField()
    deploy_id = TextField()
    user_template = TextField()
    cpu_percent = IntegerField()
    memory_mib = IntegerField()
    counted = IntegerField()
    system_disk_mib = IntegerField()
    shares = TextField()
    host_id = IntegerField(null=True)
    doc_head = TextField()
    doc_middle = TextField()
    doc_tail = TextField()
    doc_extended_tail = TextField(null=True)
    doc_short_head = TextField()
    doc_short_middle = TextField()
    doc_short_tail = TextField()
    revision = IntegerField()

    class Meta:
        table_name = "vm"


class HistoryRow(_Table):
    """Stays of VMs on hosts."""

    vm_id = IntegerField()
    seq = IntegerField()
    host_id = IntegerField()
    hostname = TextField()
    cluster_id = IntegerField()
    vm_mad = TextField()
    tm_mad = TextField()
    datastore_id = IntegerField()
    stime = IntegerField()
    etime = IntegerField()
    prolog_stime = IntegerField()
    prolog_etime = IntegerField()
    running_stime = IntegerField()
    running_etime = IntegerField()
    epilog_stime = IntegerField()
    epilog_etime = IntegerField()
    action = IntegerField()
    uid = IntegerField()
    gid = IntegerField()
    request_id = IntegerField()
    cpu_percent = IntegerField()
    memory_mib = IntegerField()

    class Meta:
        table_name = "history"
        primary_key = CompositeKey("vm_id", "seq")


class ShowbackRow(_Table):
    """What VMs have cost, by month; names as they were when it was calculated."""

    vm_id = IntegerField()
    year = IntegerField()
    month = IntegerField()
    vm_name = TextField()
    uid = IntegerField()
    gid = IntegerField()
    uname = TextField()
    gname = TextField()
    cpu_cost = FloatField()
    memory_cost = FloatField()
    disk_cost = FloatField()
    hours = FloatField()
    running_hours = FloatField()

    class Meta:
        table_name = "showback"
        primary_key = CompositeKey("vm_id", "year", "month")


class HostRow(PoolRow):
    """Hosts."""

    state = IntegerField()
    prev_state = IntegerField()
    im_mad = TextField()
    vm_mad = TextField()
    cluster_id = IntegerField()
    cluster = TextField()
    total_cpu = IntegerField()
    total_mem = IntegerField()
    max_cpu = IntegerField()
    max_mem = IntegerField()
    cpu_usage = IntegerField()
    mem_usage = IntegerField()
    disk_usage = IntegerField()
    running_vms = IntegerField()
    last_monitored = IntegerField()
    doc_template = TextField()

    class Meta:
        table_name = "host"


class ClusterRow(PoolRow):
    """Clusters."""

    class Meta:
        table_name = "cluster"


class DatastoreRow(PoolRow):
    """Datastores."""

    type = IntegerField()
    disk_type = IntegerField()
    state = IntegerField()
    ds_mad = TextField()
    tm_mad = TextField()
    base_path = TextField()
    total_mb = IntegerField()
    free_mb = IntegerField()
    used_mb = IntegerField()

    class Meta:
        table_name = "datastore"


class ImageRow(PoolRow):
    """Images."""

    type = IntegerField()
    disk_type = IntegerField()
    persistent = IntegerField()
    regtime = IntegerField()
    source = TextField()
    path = TextField()
    format = TextField()
    fs = TextField()
    size_mb = IntegerField()
    state = IntegerField()
    prev_state = IntegerField()
    running_vms = IntegerField()
    cloning_ops = IntegerField()
    cloning_id = IntegerField()
    datastore_id = IntegerField()
    datastore = TextField()
    snapshots = TextField()
    snapshots_mb = IntegerField()
    snapshot_action = TextField()
    target_snapshot = IntegerField()

    class Meta:
        table_name = "image"


class NetworkRow(PoolRow):
    """Virtual networks."""

    bridge = TextField()
    bridge_type = TextField()
    state = IntegerField()
    prev_state = IntegerField()
    parent_id = IntegerField()
    vn_mad = TextField()
    phydev = TextField()
    vlan_id = TextField()
    outer_vlan_id = TextField()
    vlan_id_automatic = IntegerField()
    outer_vlan_id_automatic = IntegerField()
    used_leases = IntegerField()

    class Meta:
        table_name = "network"


class VmTemplateRow(PoolRow):
    """VM templates."""

    regtime = IntegerField()

    class Meta:
        table_name = "vm_template"


class NetworkTemplateRow(PoolRow):
    """Templates of virtual networks."""

    regtime = IntegerField()

    class Meta:
        table_name = "network_template"


class SecurityGroupRow(PoolRow):
    """Security groups."""

    class Meta:
        table_name = "security_group"


class UserRow(PoolRow):
    """Users."""

    password = TextField()
    auth_driver = TextField()
    enabled = IntegerField()

    class Meta:
        table_name = "user"


class GroupRow(PoolRow):
    """Groups."""

    class Meta:
        table_name = "group"


class VdcRow(PoolRow):
    """Virtual data centres."""

    class Meta:
        table_name = "vdc"


class VmGroupRow(PoolRow):
    """Groups of VMs."""

    roles = TextField()

    class Meta:
        table_name = "vm_group"


class HookRow(PoolRow):
    """Hooks."""

    type = TextField()
    call = TextField()
    resource = TextField()
    state = TextField()

    class Meta:
        table_name = "hook"


POOL_TABLES: tuple[type[PoolRow], ...] = (
    VmRow,
    HostRow,
    ClusterRow,
    DatastoreRow,
    ImageRow,
    NetworkRow,
    VmTemplateRow,
    NetworkTemplateRow,
    SecurityGroupRow,
    UserRow,
    GroupRow,
    VdcRow,
    VmGroupRow,
    HookRow,
)
