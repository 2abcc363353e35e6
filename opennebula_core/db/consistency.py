"""What has to agree in the database: sums with what they sum up, references with what they refer to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from opennebula_core.db import quota_counting
from opennebula_core.model.objects import ALL_RESOURCES, FIRST_RESERVATION, OWN_ZONE
from opennebula_core.model.quotas import METRICS, Resource
from opennebula_core.model.states import ImageState, LcmState, VmState

_RESTING_LCM: Final = ", ".join(
    str(int(state)) for state in LcmState if state in (LcmState.RUNNING, LcmState.UNKNOWN) or state.is_failure
)
_REMOVING: Final = f"{LcmState.CLEANUP_DELETE:d}, {LcmState.CLEANUP_RESUBMIT:d}"
"""States in which VMs wait for recover, too, when their guest could not be ended."""
_BEING_COPIED: Final = ", ".join(
    str(int(state)) for state in (ImageState.LOCKED, ImageState.LOCKED_USED, ImageState.LOCKED_USED_PERS)
)
_TABLES_WITH_IDS: Final = (
    ("vm", 0), ("host", 0), ("image", 0), ("network", 0), ("vm_template", 0), ("user", 2), ("cluster", 100),
    ("datastore", 100), ("security_group", 100), ("group", 100), ("acl", 0),
    ("hook", 0), ("sched_action", 0), ("network_template", 0), ("vdc", 100), ("vm_group", 0),
)  # fmt: skip
"""With the first id that is not fixed; those below are given, not counted."""

PREPARATION: Final = (
    """CREATE TEMP TABLE disk_room AS
        SELECT vm.id AS vm_id, SUM(CAST(COALESCE(json_extract(disk.value, '$.SIZE'), 0) AS INTEGER)) AS mib
        FROM vm, json_each(vm.template, '$.DISK') AS disk
        WHERE EXISTS (SELECT 1 FROM history WHERE vm_id = vm.id AND etime = 0) GROUP BY vm.id""",
    """CREATE TEMP TABLE booked AS
        SELECT stay.host_id AS host_id, COUNT(*) AS vms, SUM(vm.cpu_percent) AS cpu,
               SUM(vm.memory_mib) * 1024 AS memory, SUM(COALESCE(disk_room.mib, 0)) AS disk
        FROM history AS stay JOIN vm ON vm.id = stay.vm_id LEFT JOIN disk_room ON disk_room.vm_id = vm.id
        WHERE stay.etime = 0 GROUP BY stay.host_id""",
    """CREATE TEMP TABLE leased AS
        SELECT network_id, range_id, COUNT(*) AS leases FROM lease GROUP BY network_id, range_id""",
    """CREATE TEMP TABLE imaged AS
        SELECT image_id, COUNT(DISTINCT vm_id) AS vms FROM image_use GROUP BY image_id""",
    *quota_counting.PREPARE,
)
"""Sums over the big tables, made once: recounting costs the same for one host as for all."""


@dataclass(frozen=True, slots=True)
class Counter:
    """A number in a row that other rows decide.

    :param label: SQL of what the row is called
    :param words: what the number counts
    :param truth: SQL of what it should be
    :param wrong: how a wrong number compares with that
    """

    table: str
    label: str
    column: str
    words: str
    truth: str
    wrong: str = "<>"


@dataclass(frozen=True, slots=True)
class Reference:
    """Rows that refer to what is not there, or should not.

    :param find: a query of them; its columns go into the text
    :param repair: a statement that removes them; empty where a person has to decide
    """

    text: str
    find: str
    repair: str = ""


def _booked(column: str, words: str, sum_of: str) -> Counter:
    truth = f"COALESCE((SELECT {sum_of} FROM booked WHERE host_id = host.id), 0)"
    return Counter("host", "'host ' || host.id || ' (' || host.name || ')'", column, words, truth)


def _last_id(table: str, first: int) -> Counter:
    return Counter(
        "pool_counter",
        f"'ids of {table}s'",
        "last_id",
        "the last one given",
        f'(SELECT COALESCE(MAX(id), -1) FROM "{table}" '
        f"WHERE id >= {first} AND pool_counter.kind = '{table}')",
        "<",
    )


_OF_OWNER = "lower({0}.owner_kind) || ' ' || {0}.owner_id || "


def _vm_quotas() -> Iterator[Counter]:
    label = _OF_OWNER.format("vm_quota") + "', VM quota'"
    for metric in METRICS[Resource.VM]:
        words = f"the use of {metric.name} (column {metric.column})"
        yield Counter(
            "vm_quota", label, f"{metric.column}_used", words, quota_counting.vm_used(metric.column)
        )


def _resource_quotas() -> Iterator[Counter]:
    table = "resource_quota"
    label = _OF_OWNER.format(table) + "', quota of ' || lower(resource) || ' ' || resource_id"
    for column, words in (("items", "the number in use"), ("size_mib", "the size in use")):
        yield Counter(table, label, f"{column}_used", words, quota_counting.resource_used(column))


_VM = "'VM ' || vm.id"
_IMAGE = "'image ' || image.id || ' (' || image.name || ')'"
_NETWORK = "'network ' || network.id || ' (' || network.name || ')'"
_RANGE = "'network ' || address_range.network_id || ', range ' || address_range.id"
_OF_RANGE = "network_id = address_range.network_id AND range_id = address_range.id"

_LOWEST_FREE = f"""CASE WHEN EXISTS (SELECT 1 FROM lease WHERE {_OF_RANGE} AND "index" = 0)
    THEN (SELECT MIN("index") + 1 FROM lease AS held WHERE {_OF_RANGE} AND NOT EXISTS
        (SELECT 1 FROM lease WHERE {_OF_RANGE} AND "index" = held."index" + 1))
    ELSE 0 END"""

COUNTERS: Final = (
    _booked("cpu_usage", "CPU in use", "cpu"),
    _booked("mem_usage", "memory in use", "memory"),
    _booked("disk_usage", "disk in use", "disk"),
    _booked("running_vms", "number of VMs", "vms"),
    Counter(
        "address_range",
        _RANGE,
        "used_leases",
        "number of leases",
        f"COALESCE((SELECT leases FROM leased WHERE {_OF_RANGE}), 0)",
    ),
    Counter(
        "address_range",
        _RANGE,
        "first_free",
        "the first address that may be free",
        _LOWEST_FREE,
        ">",
    ),
    Counter(
        "network",
        _NETWORK,
        "used_leases",
        "number of leases",
        "COALESCE((SELECT SUM(leases) FROM leased WHERE network_id = network.id), 0)",
    ),
    Counter(
        "image",
        _IMAGE,
        "running_vms",
        "number of VMs",
        "COALESCE((SELECT vms FROM imaged WHERE image_id = image.id), 0)",
    ),
    Counter(
        "image",
        _IMAGE,
        "cloning_ops",
        "number of copies being made",
        f"(SELECT COUNT(*) FROM image AS copy "
        f"WHERE copy.cloning_id = image.id AND copy.state IN ({_BEING_COPIED}))",
    ),
    Counter("image", _IMAGE, "snapshots_mb", "what its snapshots take", quota_counting.IMAGE_SNAPSHOTS),
    *(_last_id(table, first) for table, first in _TABLES_WITH_IDS),
    Counter("vm", _VM, "counted", "how it counts in quotas", quota_counting.COUNTED),
    Counter("vm", _VM, "system_disk_mib", "what its disks take", quota_counting.SYSTEM_DISK),
    Counter("vm", _VM, "shares", "what it takes of quotas", quota_counting.SHARES),
    *_vm_quotas(),
    *_resource_quotas(),
)

_IN_VDCS: Final = (("CLUSTER", "cluster"), ("HOST", "host"), ("DATASTORE", "datastore"), ("NET", "network"))
_VDCS: Final = "(SELECT id FROM vdc)"


def _vdc_members() -> Iterator[Reference]:
    """Yield what VDCs may hold no more: groups and resources that are gone; the rules went with those."""
    gone = 'group_id NOT IN (SELECT id FROM "group") OR vdc_id NOT IN ' + _VDCS
    yield Reference(
        "VDC {0} has group {1}; one of them does not exist",
        f"SELECT vdc_id, group_id FROM vdc_group WHERE {gone}",
        f"DELETE FROM vdc_group WHERE {gone}",
    )
    for kind, table in _IN_VDCS:
        gone = f"""kind = '{kind}' AND (vdc_id NOT IN {_VDCS} OR (zone_id = {OWN_ZONE}
            AND resource_id <> {ALL_RESOURCES} AND resource_id NOT IN (SELECT id FROM {table})))"""
        yield Reference(
            f"VDC {{0}} has {table} {{1}}; one of them does not exist",
            f"SELECT vdc_id, resource_id FROM vdc_resource WHERE {gone}",
            f"DELETE FROM vdc_resource WHERE {gone}",
        )


_LIVING = f"(SELECT id FROM vm WHERE state <> {VmState.DONE:d})"

_RESERVATION = f"{FIRST_RESERVATION} - vm_id"
_RESERVED_FOR_NONE = f"vm_id <= {FIRST_RESERVATION} AND {_RESERVATION} NOT IN (SELECT id FROM network)"

MISSING: Final = (
    Reference(
        "the VM quotas of {0} {1} are not counted",
        f"SELECT lower(owner_kind), owner_id FROM ({quota_counting.MISSING_VM_ROWS})",
        f"INSERT INTO vm_quota (owner_kind, owner_id) {quota_counting.MISSING_VM_ROWS}",
    ),
    Reference(
        "the quota of {0} {1} of {2} {3} is not counted",
        f"""SELECT lower(owner_kind), owner_id, lower(resource), resource_id
            FROM ({quota_counting.MISSING_RESOURCE_ROWS})""",
        f"""INSERT INTO resource_quota (owner_kind, owner_id, resource, resource_id)
            {quota_counting.MISSING_RESOURCE_ROWS}""",
    ),
)
"""Counters that are not there at all; they are asked for behind :data:`PREPARATION`."""

REFERENCES: Final = (
    Reference(
        "a lease of network {0} is held by VM {1}, which has ended",
        f"SELECT network_id, vm_id FROM lease WHERE vm_id >= 0 AND vm_id NOT IN {_LIVING}",
        f"DELETE FROM lease WHERE vm_id >= 0 AND vm_id NOT IN {_LIVING}",
    ),
    Reference(
        "an address of network {0} is reserved for network {1}, which is gone",
        f"SELECT DISTINCT network_id, {_RESERVATION} FROM lease WHERE {_RESERVED_FOR_NONE}",
        f"DELETE FROM lease WHERE {_RESERVED_FOR_NONE}",
    ),
    Reference(
        "security group {0} lists VM {1}, which has ended",
        f"SELECT group_id, vm_id FROM security_group_vm WHERE vm_id NOT IN {_LIVING}",
        f"DELETE FROM security_group_vm WHERE vm_id NOT IN {_LIVING}",
    ),
    Reference(
        "image {0} is used by VM {1}, which has ended",
        f"SELECT DISTINCT image_id, vm_id FROM image_use WHERE vm_id NOT IN {_LIVING}",
        f"DELETE FROM image_use WHERE vm_id NOT IN {_LIVING}",
    ),
    Reference(
        "VM {0} is on host {1}, which does not exist",
        "SELECT id, host_id FROM vm WHERE host_id IS NOT NULL AND host_id NOT IN (SELECT id FROM host)",
    ),
    Reference(
        "VM {0} counts as being on host {1}, its newest record says {2}",
        """SELECT vm.id, COALESCE(vm.host_id, 'none'), COALESCE(stay.host_id, 'none')
           FROM vm LEFT JOIN history AS stay ON stay.vm_id = vm.id AND stay.etime = 0
               AND stay.seq = (SELECT MAX(seq) FROM history WHERE vm_id = vm.id)
           WHERE vm.host_id IS NOT stay.host_id""",
    ),
    Reference(
        "VM {0} is in LCM state {1} and has no plan that would bring it on; see 'onevm recover'",
        f"""SELECT id, lcm_state FROM vm
            WHERE state = {VmState.ACTIVE:d} AND lcm_state NOT IN ({_RESTING_LCM})
            AND NOT EXISTS (SELECT 1 FROM plan WHERE vm_id = vm.id AND (status = 'active'
                OR (status = 'failed' AND vm.lcm_state IN ({_REMOVING}))))""",
    ),
    Reference(
        "a plan is under way for VM {0}, which has ended",
        f"SELECT vm_id FROM plan WHERE status = 'active' AND vm_id NOT IN {_LIVING}",
        f"UPDATE plan SET status = 'abandoned' WHERE status = 'active' AND vm_id NOT IN {_LIVING}",
    ),
    Reference(
        "host {0} is in cluster {1}, which does not exist",
        "SELECT id, cluster_id FROM host WHERE cluster_id NOT IN (SELECT id FROM cluster)",
    ),
    Reference(
        "image {0} is in datastore {1}, which does not exist",
        "SELECT id, datastore_id FROM image WHERE datastore_id NOT IN (SELECT id FROM datastore)",
    ),
    Reference(
        "user {0} is in group {1}, which does not exist",
        'SELECT user_id, group_id FROM user_group WHERE group_id NOT IN (SELECT id FROM "group")',
    ),
    *_vdc_members(),
    Reference(
        "vm group {0} has VM {1} in a role, which has ended",
        f"SELECT group_id, vm_id FROM vm_group_member WHERE vm_id NOT IN {_LIVING}",
        f"DELETE FROM vm_group_member WHERE vm_id NOT IN {_LIVING}",
    ),
    Reference(
        "VM {1} is in vm group {0}, which does not exist",
        "SELECT group_id, vm_id FROM vm_group_member WHERE group_id NOT IN (SELECT id FROM vm_group)",
        "DELETE FROM vm_group_member WHERE group_id NOT IN (SELECT id FROM vm_group)",
    ),
    Reference(
        "VM {1} is in a role of vm group {0} that is not there: {2}; see 'onevm vmgroup-del'",
        """SELECT group_id, vm_id, role_id FROM vm_group_member WHERE group_id IN (SELECT id FROM vm_group)
            AND NOT EXISTS (SELECT 1 FROM vm_group AS known, json_each(known.roles, '$.ROLE') AS role
                WHERE known.id = group_id AND json_extract(role.value, '$.ID') = CAST(role_id AS TEXT))""",
    ),
)
