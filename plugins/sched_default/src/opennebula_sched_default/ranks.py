"""The classic policies, as the rank expressions they stand for."""

from __future__ import annotations

from typing import Final

from opennebula_core.errors import ConfigError

HOST_RANKS: Final = {
    "packing": "RUNNING_VMS",
    "striping": "- RUNNING_VMS",
    "load-aware": "FREE_CPU",
    "fixed": "PRIORITY",
}
"""Source: OpenNebula 6.10 sched.conf. PRIORITY is the host's, else its cluster's."""

DATASTORE_RANKS: Final = {"packing": "- FREE_MB", "striping": "FREE_MB", "fixed": "PRIORITY"}

CUSTOM: Final = "custom"


def default_rank(policy: str, custom_rank: str, known: dict[str, str], option: str) -> str:
    """Return the rank of VMs that bring none.

    :param policy: a key of ``known``, or ``custom`` for ``custom_rank``
    :param option: the option's name, for the message
    :raises ConfigError: there is no such policy, or ``custom`` without a rank
    """
    if policy == CUSTOM:
        if not custom_rank.strip():
            raise ConfigError(
                f"option {option} of the policy is {CUSTOM!r} without a rank beside it; write the expression"
            )
        return custom_rank
    if policy not in known:
        choices = ", ".join((*sorted(known), CUSTOM))
        raise ConfigError(f"option {option} of the policy is {policy!r}: not known; choose one of {choices}")
    return known[policy]
