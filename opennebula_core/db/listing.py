"""Filters and pages of pool listings, as SQL. Source: OpenNebula 6.10 API, filter flags and ranges."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from opennebula_core.contracts.method import ObjectKind, Right, Session
from opennebula_core.errors import ParameterError
from opennebula_core.model.objects import AclRule
from opennebula_core.model.permissions import AclScope, acl_scopes

GROUP_ONLY, MINE, ALL, MINE_AND_GROUPS = -4, -3, -2, -1

_MAX_PAGE = 1 << 62
"""What SQL can count to; more is all there is."""


@dataclass(frozen=True, slots=True)
class Selection:
    """An SQL condition with its parameters, and what follows it (order, page)."""

    condition: str
    parameters: tuple[Any, ...]
    order: str = "ORDER BY id DESC"

    def and_(self, condition: str, *parameters: Any) -> Selection:
        """Return the selection narrowed by one more condition."""
        return Selection(f"({self.condition}) AND ({condition})", (*self.parameters, *parameters), self.order)

    @property
    def sql(self) -> str:
        """The text behind WHERE."""
        return f"{self.condition} {self.order}"


def select_pool(
    kind: ObjectKind, session: Session, rules: Iterable[AclRule], flag: int, start: int = -1, end: int = -1
) -> Selection:
    """Return the selection for a pool listing: what the flag asks for and the caller may use.

    :param start: id range, or row offset when ``end`` is below -1 (then ``-end`` is the page size)
    :raises ParameterError: the flag is out of range
    """
    condition, parameters = _flagged(session, flag)
    usable, more = _usable(kind, session, rules)
    selection = Selection(f"({condition}) AND ({usable})", (*parameters, *more))
    if end < -1:
        return Selection(
            selection.condition,
            selection.parameters,
            f"ORDER BY id DESC LIMIT {min(-end, _MAX_PAGE)} OFFSET {max(start, 0)}",
        )
    if start >= 0:
        selection = selection.and_("id >= ?", start)
        if end >= 0:
            selection = selection.and_("id <= ?", end)
    return selection


def _flagged(session: Session, flag: int) -> tuple[str, tuple[Any, ...]]:
    if flag < GROUP_ONLY:
        raise ParameterError("Incorrect filter_flag")
    if flag == GROUP_ONLY:
        return "gid = ?", (session.group_id,)
    if flag == MINE:
        return "uid = ?", (session.user_id,)
    if flag == ALL:
        return "1", ()
    if flag == MINE_AND_GROUPS:
        marks = ",".join("?" * len(session.group_ids))
        return f"uid = ? OR gid IN ({marks})", (session.user_id, *sorted(session.group_ids))
    return "uid = ?", (flag,)


def _usable(kind: ObjectKind, session: Session, rules: Iterable[AclRule]) -> tuple[str, tuple[Any, ...]]:
    if session.is_admin:
        return "1", ()
    marks = ",".join("?" * len(session.group_ids))
    conditions = [
        "uid = ? AND permissions & 256",
        f"gid IN ({marks}) AND permissions & 32",
        "permissions & 4",
    ]
    parameters: list[Any] = [session.user_id, *sorted(session.group_ids)]
    for scope in acl_scopes(rules, session.user_id, session.group_ids, kind.value, int(Right.USE)):
        condition, values = _scope_condition(kind, scope)
        conditions.append(condition)
        parameters.extend(values)
    return " OR ".join(f"({condition})" for condition in conditions), tuple(parameters)


_CLUSTER_CONDITIONS = {
    ObjectKind.HOST: "cluster_id = ?",
    ObjectKind.DATASTORE: "id IN (SELECT datastore_id FROM cluster_datastore WHERE cluster_id = ?)",
    ObjectKind.NET: "id IN (SELECT network_id FROM cluster_network WHERE cluster_id = ?)",
}


def _scope_condition(kind: ObjectKind, scope: AclScope) -> tuple[str, tuple[Any, ...]]:
    if scope.all:
        return "1", ()
    if scope.object_id is not None:
        return "id = ?", (scope.object_id,)
    if scope.group_id is not None:
        return "gid = ?", (scope.group_id,)
    condition = _CLUSTER_CONDITIONS.get(kind)
    return (condition, (scope.cluster_id,)) if condition is not None else ("0", ())
