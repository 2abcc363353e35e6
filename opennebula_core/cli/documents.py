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
                *_LETTERS[word], f"--{word}", "output", flag_value=word, default=TABLE, help=_HELP[word]
            )(function)
        return function

    return decorate


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
