"""The API methods of accounting and showback."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from opennebula_core.contracts.method import Access, Method, Mode, ObjectKind, Param, Session
from opennebula_core.db.listing import select_pool
from opennebula_core.db.transaction import Snapshot
from opennebula_core.documents.showback import render_showback
from opennebula_core.managers.accounting.records import Period, accounting_document
from opennebula_core.managers.accounting.showback import (
    Costs,
    Month,
    costs_of,
    first_month,
    keep_costs,
    month_of,
)
from opennebula_core.managers.core import Core

_MONTHS = (Param("month1", int), Param("year1", int), Param("month2", int), Param("year2", int))
_RECORDS = """SELECT vm_id, year, month, vm_name, uid, gid, uname, gname, cpu_cost, memory_cost, disk_cost,
    hours, running_hours FROM showback WHERE vm_id IN (SELECT id FROM vm WHERE %s)
    AND year * 12 + month BETWEEN ? AND ? ORDER BY year, month, vm_id"""


def accounting_methods(core: Core) -> Iterable[Method]:
    """Return the methods that tell who used what, and what it costs."""

    def accounting(tx: Snapshot, session: Session, flag: int, start: int, end: int) -> bytes:
        selection = select_pool(ObjectKind.VM, session, tx.acl_rules(), flag)
        return accounting_document(tx, selection, Period(start, end))

    def showback(
        tx: Snapshot, session: Session, flag: int, month1: int, year1: int, month2: int, year2: int
    ) -> bytes:
        selection = select_pool(ObjectKind.VM, session, tx.acl_rules(), flag)
        first, last = month_of(year1, month1, Month(0, 1)), month_of(year2, month2, Month(9999, 12))
        numbers = (month.year * 12 + month.month for month in (first, last))
        return render_showback(
            tx.query(_RECORDS % selection.condition, (*selection.parameters, *numbers))
        ).encode()

    async def calculate(session: Session, month1: int, year1: int, month2: int, year2: int) -> str:
        def look(tx: Snapshot) -> Costs:
            first = month_of(year1, month1, first_month(tx))
            return costs_of(tx, first, month_of(year2, month2, Month.of(tx.now)), core.config.showback)

        for month, costs in (await core.store.read_in_thread(look)).items():
            await core.store.write(partial(keep_costs, month=month, costs=costs))
        return ""

    yield Method(
        "one.vmpool.accounting",
        (Param("filter", int), Param("start", int), Param("end", int)),
        Access.LISTING,
        Mode.READ,
        accounting,
        "List the stays of VMs on hosts in a time, epoch seconds, -1 for open.",
    )
    yield Method(
        "one.vmpool.showback",
        (Param("filter", int), *_MONTHS),
        Access.LISTING,
        Mode.READ,
        showback,
        "List what VMs have cost by month, as it was calculated last; -1 for open.",
    )
    yield Method(
        "one.vmpool.calculateshowback",
        _MONTHS,
        Access.ADMINS,
        Mode.ASYNC,
        calculate,
        "Calculate what VMs have cost in some months, -1 for open.",
    )
