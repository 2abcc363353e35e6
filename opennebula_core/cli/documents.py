"""Documents for programs: ``--json``, ``--yaml``, ``--xml``."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from typing import Any, Final, TypeVar
from xml.etree.ElementTree import Element, indent, tostring

import click

from opennebula_core.cli.block_yaml import to_yaml

JSON, YAML, XML, CSV, TABLE = "json", "yaml", "xml", "csv", "table"
DOCUMENTS: Final = (JSON, YAML, XML)

_HELP: Final = {
    JSON: "Print the document as JSON; what may repeat is always a list.",
    YAML: "Print the document as YAML.",
    XML: "Print the document as OpenNebula's XML.",
    CSV: "Print comma-separated values.",
}
_LETTERS: Final = {JSON: ("-j",), YAML: ("-y",), XML: ("-x",), CSV: ()}

F = TypeVar("F", bound=Callable[..., Any])


def format_options(*formats: str) -> Callable[[F], F]:
    """Return a decorator that adds ``--json`` and the like; the choice arrives as ``output``."""

    def decorate(function: F) -> F:
        for word in reversed(formats):
            function = click.option(
                *_LETTERS[word], f"--{word}", f"as_{word}", is_flag=True, expose_value=False,
                callback=_choose(word), help=_HELP[word],
            )(function)  # fmt: skip
        return function

    return decorate


def _choose(word: str) -> Callable[[click.Context, click.Parameter, bool], None]:
    """Return a callback that makes a format the command's only one."""

    def choose(context: click.Context, option: click.Parameter, is_wanted: bool) -> None:
        chosen = context.params.setdefault("output", TABLE)
        if is_wanted and chosen != TABLE:
            raise click.UsageError(f"--{chosen} and --{word} exclude each other: choose one", context)
        if is_wanted:
            context.params["output"] = word

    return choose


def print_document(root: Element, output: str) -> None:
    """Print an object's or a pool's document."""
    if output == XML:
        indent(root)
        click.echo(tostring(root, encoding="unicode"))
        return
    document = _parsed(tostring(root, encoding="unicode"))
    if output == YAML:
        click.echo(to_yaml(document), nl=False)
    else:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def _parsed(text: str) -> dict[str, Any]:
    # Loaded here: tables need it not, and would wait for it.
    module: Any = importlib.import_module("opennebula_core.xml")
    document: dict[str, Any] = module.parse_document(text)
    return document
