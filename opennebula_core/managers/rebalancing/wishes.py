"""What may be asked of a plan: from template syntax to arguments of the program that computes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from opennebula_core.errors import InternalError
from opennebula_core.model.numbers import whole_number
from opennebula_core.model.rebalancing import Pace
from opennebula_core.model.template import Template

_CHOICES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "GOAL": ("--goal", ("balance", "pack")),
    "RESOURCE": ("--resource", ("cpu", "memory")),
    "MEASURE": ("--measure", ("asked", "measured")),
    "SOLVER": ("--solver", ("auto", "exact", "heuristic")),
}
_NUMBERS: Final = {"MOVES": "--moves", "LIMIT_S": "--limit-s"}
LIVE: Final = "LIVE"
LOCAL_DISKS: Final = "LOCAL_DISKS"
LONGEST_S: Final = 3_600
MOST_MOVES: Final = 100_000
DEFAULT_LIMIT_S: Final = 20
DEFAULT_PACE: Final = Pace()
DEFAULT_TIMEOUT_S: Final = 3_600
"""A move that takes longer is given up: the memory of a large, busy guest takes its time."""


def arguments_of(cluster: Template, given: Template) -> tuple[str, ...]:
    """Return the program's arguments.

    :param cluster: its ONE_DRS is asked where ``given`` says nothing: POLICY and MIGRATION_THRESHOLD, as in
        OpenNebula 7
    :raises InternalError: an attribute is unknown, or has no value that it may have
    """
    known = (*_CHOICES, *_NUMBERS, LIVE, LOCAL_DISKS)
    unknown = sorted(set(given.names()) - set(known))
    if unknown:
        raise InternalError(f"Unknown setting {unknown[0]!r} of a plan; there are {', '.join(known)}")
    arguments: list[str] = []
    for name, (option, choices) in _CHOICES.items():
        if text := (given.get(name) or _of_cluster(cluster, name)).lower():
            if text not in choices:
                raise InternalError(f"Wrong {name} {text[:80]!r} of a plan; use {', '.join(choices)}")
            arguments += (option, text)
    for name, option in _NUMBERS.items():
        if text := given.get(name) or _of_cluster(cluster, name):
            most = LONGEST_S if name == "LIMIT_S" else MOST_MOVES
            arguments += (option, str(number_of(name, text, least=0, most=most)))
    if not is_live(given):
        arguments.append("--cold")
    if given.get(LOCAL_DISKS).upper() == "YES":
        arguments.append("--local-disks")
    return tuple(arguments)


def _of_cluster(cluster: Template, name: str) -> str:
    found = cluster.vectors("ONE_DRS")
    attribute = {"GOAL": "POLICY", "MOVES": "MIGRATION_THRESHOLD"}.get(name)
    return found[0].get(attribute, "") if found and attribute else ""


def is_live(given: Template) -> bool:
    """Return whether VMs shall move live: yes, unless LIVE says no."""
    return given.get(LIVE).upper() != "NO"


def number_of(name: str, text: str, *, least: int, most: int) -> int:
    """Return a number of a setting.

    :raises InternalError: it is none, or out of range
    """
    number = whole_number(text)
    if number is None or not least <= number <= most:
        raise InternalError(f"Wrong {name} {text[:80]!r} of a plan; use a number from {least} to {most}")
    return number


def limit_of(arguments: tuple[str, ...]) -> int:
    """Return how long the exact solver may take, in seconds."""
    option = _NUMBERS["LIMIT_S"]
    return int(arguments[arguments.index(option) + 1]) if option in arguments else DEFAULT_LIMIT_S
