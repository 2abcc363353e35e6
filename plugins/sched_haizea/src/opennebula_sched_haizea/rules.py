"""The policy's options, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeVar

from opennebula_core.contracts.driver import Option
from opennebula_core.errors import ConfigError
from opennebula_sched_haizea.leases import Defaults
from opennebula_sched_haizea.terms import LeaseKind

E = TypeVar("E", bound=StrEnum)

END_RETRY_S: Final = 60.0
"""An end that the core did not carry out is asked for again after this time."""

MOST_PLANNED: Final = 100
"""Waiting leases that conservative backfilling plans; looking at all of a long queue would hold up rounds."""


class Backfilling(StrEnum):
    """What may start before an older best-effort lease that has to wait.

    OFF: nothing. AGGRESSIVE: what does not delay the oldest that waits. CONSERVATIVE: what delays none of
    the first hundred that wait.
    """

    OFF = "off"
    AGGRESSIVE = "aggressive"
    CONSERVATIVE = "conservative"


class EndAction(StrEnum):
    """What happens to a VM whose lease is over: an action of ``one.vm.action``."""

    TERMINATE = "terminate"
    TERMINATE_HARD = "terminate-hard"
    POWEROFF = "poweroff"
    POWEROFF_HARD = "poweroff-hard"


@dataclass(frozen=True, slots=True)
class Rules:
    """How leases are handled.

    :param on_end: what ends a lease's VM
    :param lead_s: how long before its start a reservation's VM is deployed, so that it runs in time
    :param ending_s: how long a VM whose lease is over is expected to hold its capacity yet
    """

    defaults: Defaults = field(default_factory=Defaults)
    backfilling: Backfilling = Backfilling.OFF
    on_end: EndAction = EndAction.TERMINATE
    lead_s: float = 0.0
    ending_s: float = 10.0

    @property
    def planned_ahead(self) -> int:
        """How many waiting best-effort leases have a place in the plan that nobody may delay."""
        return MOST_PLANNED if self.backfilling is Backfilling.CONSERVATIVE else 1


OPTIONS: Final = (
    Option(
        "default_lease", str, "best_effort", "lease of VMs that name none: best_effort or now (immediate)"
    ),
    Option(
        "backfilling", str, "off", "what may pass a waiting best-effort lease: off, aggressive, conservative"
    ),
    Option(
        "on_end", str, "terminate", "how a lease's VM is ended: terminate, poweroff, or either with -hard"
    ),
    Option("lead_s", float, 0.0, "how long before its start the VM of a reservation is deployed"),
    Option("ending_s", float, 10.0, "how long the VM of an ended lease is expected to hold its host yet"),
    Option("group_settle_s", float, 2.0, "how long a group without GROUP_SIZE waits for further VMs"),
)


def read_rules(settings: Mapping[str, str | int | float | bool]) -> Rules:
    """Return the rules that the options make.

    :raises ConfigError: a word means nothing, or a time is negative
    """
    for name in ("lead_s", "ending_s", "group_settle_s"):
        if float(settings[name]) < 0:
            raise ConfigError(
                f"option {name} of the policy is {settings[name]}: not a length of time; write 0 or more"
            )
    kind = _word(LeaseKind, settings, "default_lease")
    if kind is LeaseKind.ADVANCE:
        raise ConfigError(
            "option default_lease of the policy is 'advance', which needs a time; write best_effort or now"
        )
    return Rules(
        defaults=Defaults(start=kind, group_settle_s=float(settings["group_settle_s"])),
        backfilling=_word(Backfilling, settings, "backfilling"),
        on_end=_word(EndAction, settings, "on_end"),
        lead_s=float(settings["lead_s"]),
        ending_s=float(settings["ending_s"]),
    )


def _word(words: type[E], settings: Mapping[str, str | int | float | bool], name: str) -> E:
    try:
        return words(str(settings[name]))
    except ValueError:
        raise ConfigError(
            f"option {name} of the policy is {settings[name]!r}: not known; choose one of {', '.join(words)}"
        ) from None
