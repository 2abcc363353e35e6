"""Template texts: from a file, from standard input, or written in an editor."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import Final

import click

from opennebula_core.errors import OpenNebulaError
from opennebula_core.model.template import Template

STANDARD_INPUT: Final = "-"
_NEXT_KEY: Final = re.compile(r":(?=[A-Za-z_]+=)")


class TextError(OpenNebulaError):
    """A text cannot be had."""


def read_text(file: str | None) -> str:
    """Return the text of a file, or of standard input for ``-`` and when something is piped in.

    :raises TextError: there is no file and nobody pipes anything in, or the file cannot be read
    """
    if file is None and sys.stdin.isatty():
        raise TextError("no template: name a file, or pipe the text in")
    if file in (None, STANDARD_INPUT):
        return sys.stdin.read()
    try:
        with open(file, encoding="utf-8") as opened:
            return opened.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise TextError(f"read {file!r}: {reason}; name a readable file, or - for standard input") from None


def read_secret(file: str | None, question: str, *, is_new: bool = False) -> str:
    """Return a password: the first line of a file, else of standard input, else what is typed.

    It is no argument, because everybody on the machine sees those.

    :param is_new: it is typed twice
    :raises TextError: there is none
    """
    if file is not None:
        try:
            with open(file, encoding="utf-8") as opened:
                lines = opened.read().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise TextError(f"read the password in {file!r}: {error}; name another file") from None
    elif sys.stdin.isatty():
        return str(click.prompt(question, hide_input=True, confirmation_prompt=is_new, err=True))
    else:
        lines = sys.stdin.read().splitlines()
    if not lines or not lines[0]:
        raise TextError("no password: the first line is empty; write it there")
    return lines[0]


def is_piped() -> bool:
    """Return whether standard input is a file or a pipe, not a terminal."""
    return not sys.stdin.isatty()


def edited(text: str) -> str | None:
    """Return what the user made of a text in ``$EDITOR``; None when nothing was changed."""
    return click.edit(text, extension=".tmpl")


def template_of(file: str | None, options: Template, example: str) -> str:
    """Return the text of the template that a file and options describe; options take precedence.

    :param example: options that would do, for the message
    :raises TextError: there is neither a file nor an option
    """
    if file is None and options:
        return options.to_text()
    try:
        text = read_text(file)
    except TextError as error:
        raise TextError(f"{error}; or describe it with options, such as {example}") from None
    if not text.strip() and not options:
        source = "standard input" if file in (None, STANDARD_INPUT) else repr(file)
        raise TextError(
            f"no template: {source} is empty; describe it there, or with options, such as {example}"
        )
    if not options:
        return text
    template = Template.parse(text)
    template.merge(options)
    return template.to_text()


def split_vector(text: str) -> list[str]:
    """Return the parts of ``KEY=VALUE:KEY=VALUE``; colons in values, as of MACs, stay."""
    return _NEXT_KEY.split(text)


def parse_attributes(words: Iterable[str]) -> list[tuple[str, str]]:
    """Return the attributes that ``NAME=VALUE`` words describe.

    :raises click.BadParameter: one has no ``=`` or no name
    """
    found = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"{word!r} is no attribute; write NAME=VALUE")
        found.append((name.strip().upper(), value))
    return found
