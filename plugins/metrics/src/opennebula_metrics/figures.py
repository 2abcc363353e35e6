"""The newest figures of hosts and VMs, read out of the samples that the core keeps for its documents."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Protocol

from opennebula_core.contracts.method import ObjectKind

_FIGURE: Final = re.compile(rb"&lt;([A-Z_]+)&gt;(?:&lt;!\[CDATA\[)?([0-9.]+)")
"""A number in an escaped document, in CDATA or plain."""


class Sample(Protocol):
    """What this plugin needs of a look at an object.

    :ivar figures: its MONITORING element, as documents have it: escaped, in UTF-8
    """

    @property
    def figures(self) -> bytes:
        """Return the element."""


class Samples(Protocol):
    """What this plugin needs of ``registry.core.monitoring``."""

    def of(self, kind: ObjectKind, object_id: int) -> Sample:
        """Return the newest sample of an object; one without figures where there is none."""


def figures_of(sample: Sample) -> Mapping[str, float]:
    """Return the numbers of a sample by the names of their elements, such as CPU and NETRX."""
    found: dict[str, float] = {}
    for name, digits in _FIGURE.findall(sample.figures):
        if digits.count(b".") <= 1 and digits != b".":
            found[name.decode()] = float(digits)
    return found
