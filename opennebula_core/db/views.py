"""Documented SQL views, which accounting applications read with plain SQL.

``docs/accounting.md`` explains the columns; times are epoch seconds, an open end counts up to now.
"""

from __future__ import annotations

ACCOUNTING_VIEWS: tuple[str, ...] = (
    # One row for each stay of a VM on a host; whose VM it is counts, not who placed it: mostly the scheduler.
    """
    CREATE VIEW vm_stay AS
    SELECT h.vm_id, v.name AS vm_name, h.seq, v.uid AS user_id, v.uname AS user_name,
           v.gid AS group_id, v.gname AS group_name, h.host_id, h.hostname AS host_name,
           h.stime AS start_time, h.etime AS end_time,
           h.running_stime AS running_start, h.running_etime AS running_end,
           CASE WHEN h.running_stime = 0 THEN 0
                ELSE (CASE WHEN h.running_etime = 0 THEN CAST(strftime('%s', 'now') AS INTEGER)
                           ELSE h.running_etime END) - h.running_stime
           END AS running_seconds,
           h.cpu_percent / 100.0 AS cpu_cores, h.memory_mib
    FROM history h
    JOIN vm v ON v.id = h.vm_id
    """,
    # Hours that VMs ran, with the cores and memory they had, for each user, group and host.
    """
    CREATE VIEW vm_hours AS
    SELECT user_id, user_name, group_id, group_name, host_id, host_name,
           COUNT(DISTINCT vm_id) AS vms,
           SUM(running_seconds) / 3600.0 AS vm_hours,
           SUM(running_seconds * cpu_cores) / 3600.0 AS core_hours,
           SUM(running_seconds * memory_mib) / 3600.0 / 1024 AS memory_gib_hours
    FROM vm_stay
    GROUP BY user_id, user_name, group_id, group_name, host_id, host_name
    """,
)
