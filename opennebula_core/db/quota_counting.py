"""What of quotas is used, counted in SQL from the objects themselves, not from what was counted before.

The check of a database compares with it; its repair, and the migration that brought quotas, write it. Frozen
with that migration: a rule that changes gets statements of its own, as images did when they got snapshots.
"""

from __future__ import annotations

from typing import Final

from opennebula_core.model.states import VmState
from opennebula_core.model.takings import AT_REST, NOTHING, RUNNING_STATES, Counted

_IN_RUNNING: Final = ", ".join(str(int(state)) for state in sorted(RUNNING_STATES))
_IN_REST: Final = ", ".join(str(int(state)) for state in sorted(AT_REST))
_ALIVE: Final = f"vm.state NOT IN ({VmState.DONE:d}, {VmState.INIT:d})"


def _field(name: str) -> str:
    """Return a key of the vector ``item``, NULL when that is a text: JSON functions refuse those."""
    return f"json_extract(iif(item.type = 'object', item.value, NULL), '$.{name}')"


def _number(name: str) -> str:
    return f"CAST(COALESCE({_field(name)}, 0) AS INTEGER)"


def _items(name: str) -> str:
    """Return what goes behind FROM for the vectors of a name in living VMs; ``item`` is one."""
    return f"vm, json_each(vm.template, '$.{name}') AS item WHERE {_ALIVE}"


_SIZE: Final = f"{_number('SIZE')} + {_number('DISK_SNAPSHOT_TOTAL_SIZE')}"
_TARGET: Final = (
    f"CASE WHEN {_field('CLONE')} = 'YES' THEN {_field('CLONE_TARGET')} ELSE {_field('LN_TARGET')} END"
)
_IN_OWN: Final = f"""CASE WHEN COALESCE({_field("CLONE")}, '') <> 'YES'
    THEN MAX({_number("SIZE")} - {_number("ORIGINAL_SIZE")}, 0)
    WHEN {_field("CLONE_TARGET")} = 'SELF' THEN {_SIZE} ELSE 0 END"""

COUNTED: Final = f"""CASE WHEN NOT {_ALIVE} THEN {Counted.NOT:d}
    WHEN vm.state IN ({_IN_RUNNING}) AND vm.lcm_state NOT IN ({_IN_REST}) THEN {Counted.RUNNING:d}
    ELSE {Counted.AT_REST:d} END"""
"""How a row of ``vm`` counts."""
SYSTEM_DISK: Final = "COALESCE((SELECT mib FROM vm_system_disk WHERE vm_id = vm.id), 0)"
SHARES: Final = f"COALESCE((SELECT shares FROM vm_shares WHERE vm_id = vm.id), '{NOTHING}')"

_VM_TABLES: Final = (
    f"""CREATE TEMP TABLE vm_system_disk AS SELECT vm.id AS vm_id, SUM({_SIZE}) AS mib FROM {_items("DISK")}
        AND ({_field("IMAGE_ID")} IS NULL OR {_TARGET} = 'SYSTEM') GROUP BY vm.id""",
    "CREATE UNIQUE INDEX temp.vm_system_disk_vm ON vm_system_disk (vm_id)",
    f"""CREATE TEMP TABLE vm_share AS
        SELECT vm.id AS vm_id, vm.uid, vm.gid, 'NETWORK' AS resource, {_number("NETWORK_ID")} AS resource_id,
               COUNT(*) AS items, 0 AS size_mib
        FROM {_items("NIC")} AND {_field("NETWORK_ID")} IS NOT NULL GROUP BY vm.id, 5
        UNION ALL
        SELECT vm.id, vm.uid, vm.gid, 'IMAGE', {_number("IMAGE_ID")}, 1, 0
        FROM {_items("DISK")} AND {_field("IMAGE_ID")} IS NOT NULL GROUP BY vm.id, 5
        UNION ALL
        SELECT vm.id, vm.uid, vm.gid, 'DATASTORE', {_number("DATASTORE_ID")}, 0, SUM({_IN_OWN})
        FROM {_items("DISK")} AND {_field("IMAGE_ID")} IS NOT NULL AND {_IN_OWN} > 0 GROUP BY vm.id, 5""",
    """CREATE TEMP TABLE vm_shares AS
        SELECT vm_id, json_group_array(json_array(resource, resource_id, items, size_mib)) AS shares
        FROM (SELECT * FROM vm_share ORDER BY vm_id, resource, resource_id) GROUP BY vm_id""",
    "CREATE UNIQUE INDEX temp.vm_shares_vm ON vm_shares (vm_id)",
    f"""CREATE TEMP TABLE vm_takes AS
        SELECT uid, gid, {COUNTED} = {Counted.RUNNING:d} AS runs, cpu_percent AS cpu, memory_mib AS memory,
               {SYSTEM_DISK} AS disk FROM vm WHERE {_ALIVE}""",
    """CREATE TEMP TABLE vm_used AS
        SELECT owner_kind, owner_id, COUNT(*) AS vms, SUM(runs) AS running_vms, SUM(cpu) AS cpu_percent,
               SUM(cpu * runs) AS running_cpu_percent, SUM(memory) AS memory_mib,
               SUM(memory * runs) AS running_memory_mib, SUM(disk) AS system_disk_mib
        FROM (SELECT 'USER' AS owner_kind, uid AS owner_id, * FROM vm_takes
              UNION ALL SELECT 'GROUP', gid, * FROM vm_takes)
        WHERE owner_id <> 0 GROUP BY owner_kind, owner_id""",
    "CREATE UNIQUE INDEX temp.vm_used_owner ON vm_used (owner_kind, owner_id)",
)
_SNAPPED_IMAGES: Final = (
    f"""CREATE TEMP TABLE snapped_image AS
        SELECT {_number("IMAGE_ID")} AS image_id, MAX({_number("DISK_SNAPSHOT_TOTAL_SIZE")}) AS mib
        FROM {_items("DISK")} AND {_field("PERSISTENT")} = 'YES' GROUP BY 1""",
    "CREATE UNIQUE INDEX temp.snapped_image_id ON snapped_image (image_id)",
)
IMAGE_SNAPSHOTS: Final = """COALESCE((SELECT mib FROM snapped_image WHERE image_id = image.id),
    (SELECT SUM(CAST(json_extract(kept.value, '$.SIZE') AS INTEGER))
     FROM json_each(image.snapshots, '$.DISK_SNAPSHOT') AS kept), 0)"""
"""What an image's snapshots take: those of the VM that uses it as its own disk, else those that it keeps."""


def _resource_tables(image_size: str) -> tuple[str, ...]:
    return (
        f"""CREATE TEMP TABLE resource_takes AS
            SELECT uid, gid, resource, resource_id, items, size_mib FROM vm_share
            UNION ALL SELECT uid, gid, 'DATASTORE', datastore_id, 1, {image_size} FROM image
            UNION ALL SELECT uid, gid, 'NETWORK', parent_id, size, 0
            FROM network JOIN address_range ON network_id = network.id WHERE parent_id >= 0""",
        """CREATE TEMP TABLE resource_used AS
            SELECT owner_kind, owner_id, resource, resource_id, SUM(items) AS items, SUM(size_mib) AS size_mib
            FROM (SELECT 'USER' AS owner_kind, uid AS owner_id, * FROM resource_takes
                  UNION ALL SELECT 'GROUP', gid, * FROM resource_takes)
            WHERE owner_id <> 0 GROUP BY owner_kind, owner_id, resource, resource_id""",
        """CREATE UNIQUE INDEX temp.resource_used_owner
            ON resource_used (owner_kind, owner_id, resource, resource_id)""",
    )


PREPARE_BEFORE_SNAPSHOTS: Final = (*_VM_TABLES, *_resource_tables("size_mb"))
"""For the migration that brought quotas: images had no snapshots then."""
PREPARE: Final = (*_SNAPPED_IMAGES, *_VM_TABLES, *_resource_tables(f"size_mb + {IMAGE_SNAPSHOTS}"))
"""Temporary tables, made one after the other: what each VM takes, then what each owner's objects take."""
TEMPORARY: Final = (
    "resource_used", "resource_takes", "vm_used", "vm_takes", "vm_shares", "vm_share", "vm_system_disk",
)  # fmt: skip

MISSING_VM_ROWS: Final = (
    "SELECT owner_kind, owner_id FROM vm_used EXCEPT SELECT owner_kind, owner_id FROM vm_quota"
)
MISSING_RESOURCE_ROWS: Final = """SELECT owner_kind, owner_id, resource, resource_id FROM resource_used
    EXCEPT SELECT owner_kind, owner_id, resource, resource_id FROM resource_quota"""


def vm_used(column: str) -> str:
    """Return what a row of ``vm_quota`` should say is used."""
    return (
        f"COALESCE((SELECT {column} FROM vm_used WHERE owner_kind = vm_quota.owner_kind "
        "AND owner_id = vm_quota.owner_id), 0)"
    )


def resource_used(column: str) -> str:
    """Return what a row of ``resource_quota`` should say is used."""
    return (
        f"COALESCE((SELECT {column} FROM resource_used WHERE owner_kind = resource_quota.owner_kind "
        "AND owner_id = resource_quota.owner_id AND resource = resource_quota.resource "
        "AND resource_id = resource_quota.resource_id), 0)"
    )
