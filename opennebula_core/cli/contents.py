"""Options by which objects are described on the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from opennebula_core.cli.quantities import mib_of

F = TypeVar("F", bound=Callable[..., Any])


class Mebibytes(click.ParamType):  # type: ignore[type-arg]  # not generic in older clicks
    """A size such as ``512M`` or ``2G``; a plain number is MiB."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the whole MiB."""
        try:
            return value if isinstance(value, int) else mib_of(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Cores(click.ParamType):  # type: ignore[type-arg]  # not generic in older clicks
    """A number of cores above 0, such as ``0.5``."""

    name = "cores"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number."""
        try:
            cores = float(value)
        except ValueError:
            cores = 0.0
        if not 0 < cores < float("inf"):
            self.fail(f"{value!r} is no number of cores above 0; write one such as 0.5 or 2", param, ctx)
        return cores


def attribute_option(function: F) -> F:
    """Add ``--attribute``; the words arrive as ``attributes``."""
    return click.option(
        "--attribute", "attributes", multiple=True, metavar="NAME=VALUE", help="Any other attribute."
    )(function)
