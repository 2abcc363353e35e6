"""Hooks into the rounds of any scheduling policy. They run in the scheduler's process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opennebula_core.contracts.scheduler import Cloud, Decision, HostView, PendingVm
from opennebula_core.hookspecs import spec


@spec
def opennebula_filter_hosts(vm: PendingVm, hosts: Sequence[HostView]) -> Mapping[int, str] | None:
    """Called in each round for each kind of equal VMs, with the hosts that the policy would accept.

    Called again with single hosts after the round placed something on them; so it decides by what ``vm`` and
    ``hosts`` say, not by how often it is called. The result maps the ids of hosts that the VM must not go to
    to the reason, worded so that "... on 3 hosts" may follow; None rejects none. An exception is logged with
    the plugin's name and rejects **all** hosts given, for a filter that fails must not let through what it is
    there to stop. There is no transaction; the round waits. Since 0.1.

    :param vm: one VM of the kind
    :param hosts: the hosts left over, as they were at the start of the round
    """


@spec
def opennebula_rank_hosts(vm: PendingVm, hosts: Sequence[HostView]) -> Sequence[float] | None:
    """Called as ``opennebula_filter_hosts`` is, with the hosts that all filters have accepted.

    The result has a number for each host, in order, which is added to its rank: the VM goes to the highest
    sum. None adds nothing. An exception, or a result of another length, is logged with the plugin's name and
    adds nothing. There is no transaction; the round waits. Since 0.1.

    :param vm: one VM of the kind
    :param hosts: the hosts left over, as they were at the start of the round
    """


@spec
def opennebula_before_placement_round(cloud: Cloud, vms: Sequence[PendingVm]) -> None:
    """Called at the start of each round that has VMs to place, before any is placed; there is no transaction.

    The result is ignored. An exception refuses the round: nothing is placed, its message is logged, and the
    next round asks again; no further plugin is asked. Since 0.1.

    :param cloud: all that the round is decided upon
    :param vms: the VMs to place, in order
    """


@spec
def opennebula_placement_round_done(decisions: Sequence[Decision], duration_s: float) -> None:
    """Called at the end of each round that placed, moved or left VMs, after the core has carried it out.

    The result is ignored. An exception is logged with the plugin's name and changes nothing. There is no
    transaction. Since 0.1.

    :param decisions: what was decided, in order, without placements that the core refused
    :param duration_s: from the collecting of the cloud to the last answer of the core
    """
