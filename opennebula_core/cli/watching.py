"""Listings that are drawn again and again, until Ctrl-C."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Final

import click

DEFAULT_DELAY_S: Final = 3.0
SHORTEST_DELAY_S: Final = 0.2
Draw = Callable[[], None]


def delay_option(function: Callable[..., None]) -> Callable[..., None]:
    """Add ``--delay``, in seconds; the value arrives as ``delay``, None where it is not given."""
    return click.option(
        "-d", "--delay", type=click.FloatRange(min=SHORTEST_DELAY_S), metavar="SECONDS",
        help=f"Time between two drawings; {DEFAULT_DELAY_S:g} without it.",
    )(function)  # fmt: skip


def repeat(draw: Draw, delay_s: float | None) -> None:
    """Draw until Ctrl-C, on a terminal each time on a clear screen."""
    try:
        while True:
            if sys.stdout.isatty():
                click.clear()
            draw()
            sys.stdout.flush()
            time.sleep(delay_s or DEFAULT_DELAY_S)
    except KeyboardInterrupt:
        return
