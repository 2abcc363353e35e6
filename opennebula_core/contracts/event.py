"""What hooks are told of the core's life: state changes, requests, demands on quotas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from opennebula_core.contracts.method import ObjectKind


@dataclass(frozen=True, slots=True)
class StateChange:
    """An object's change of state, as committed. States are the numbers of ``model.states``.

    :param sequence: number of the change; grows with each commit, has gaps
    :param before: -1 when the object was made by this change
    :param after: -1 when the object was removed by this change
    :param lcm_before: LCM state of a VM, 0 for everything else
    """

    sequence: int
    kind: ObjectKind
    object_id: int
    before: int
    after: int
    lcm_before: int = 0
    lcm_after: int = 0


@dataclass(frozen=True, slots=True)
class QuotaDemand:
    """What a request is about to take from its owner's share.

    :param kind: kind of the object that takes it, such as VM
    :param resources: amount by resource: ``VMS``, ``CPU_PERCENT``, ``MEMORY_MIB``, ``DISK_MIB``, ``IMAGES``,
        ``LEASES``; negative for what is given back
    """

    user_id: int
    group_id: int
    kind: ObjectKind
    resources: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RequestOutcome:
    """How an API call ended.

    :param error_code: OpenNebula's code, 0 for success
    :param duration_s: from its arrival to the answer
    """

    method: str
    user_id: int
    error_code: int
    error: str
    duration_s: float
