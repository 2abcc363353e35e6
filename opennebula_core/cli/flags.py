"""Options that are parameters of the API's method: yes or no."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Flag:
    """One such option; the command's function takes it under its name."""

    name: str
    help: str


def flag_options(flags: Sequence[Flag]) -> Callable[[F], F]:
    """Add the options to a command."""

    def add(function: F) -> F:
        for flag in flags:
            function = click.option(f"--{flag.name}", flag.name, is_flag=True, help=flag.help)(function)
        return function

    return add
