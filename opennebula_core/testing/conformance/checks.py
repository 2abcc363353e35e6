"""A check: one thing that a driver has to keep."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from opennebula_core.testing.conformance.bench import Bench


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a driver has to keep.

    :param name: ``family.what``, which ``--only`` takes
    :param sentence: what has to be so
    """

    name: str
    sentence: str
    run: Callable[[Bench], Awaitable[None]]
