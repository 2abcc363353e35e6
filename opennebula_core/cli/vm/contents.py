"""What a VM is made of, given as options: ``--cpu 1 --memory 512M --disk debian --nic private``."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from opennebula_core.cli.application import Application
from opennebula_core.cli.contents import Cores, Mebibytes
from opennebula_core.cli.kinds import IMAGE, NETWORK, Kind
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.texts import TextError, parse_attributes, split_vector
from opennebula_core.cli.words import ObjectWord
from opennebula_core.model.template import Template

AUTOMATIC: Final = "auto"

F = TypeVar("F", bound=Callable[..., Any])


def content_options(function: F) -> F:
    """Add the options; :func:`content_template` takes them together."""
    options = (
        click.option("--cpu", type=Cores(), help="Cores, such as 0.5."),
        click.option("--vcpu", type=click.IntRange(min=1), help="Cores that the guest sees."),
        click.option("--memory", type=Mebibytes(), help="Memory, such as 512M or 2G."),
        click.option(
            "--disk", "disks", multiple=True, type=ObjectWord(IMAGE), metavar="IMAGE[:KEY=VALUE]...",
            help="Images to attach, several separated by commas; with attributes as in debian:size=2048.",
        ),
        click.option(
            "--nic", "nics", multiple=True, type=ObjectWord(NETWORK), metavar="NETWORK[:KEY=VALUE]...",
            help="Networks to attach to, as with --disk; 'auto' leaves the choice to the scheduler.",
        ),
        click.option(
            "--context", "context", multiple=True, metavar="NAME=VALUE",
            help="What the guest is told; NETWORK=YES is said with --nic.",
        ),
        click.option(
            "--ssh", "ssh_key", type=click.Path(dir_okay=False), help="File of a public key for the guest."
        ),
        click.option(
            "--startscript", "start_script", type=click.Path(dir_okay=False), metavar="FILE",
            help="Script that the guest runs when it starts.",
        ),
        click.option("--vnc", is_flag=True, help="Give it a screen that VNC viewers show."),
        click.option("--boot", metavar="DEVICES", help="What it starts from, such as disk0,nic0."),
        click.option("--arch", help="Architecture of its processor, such as x86_64."),
        click.option(
            "--attribute", "attributes", multiple=True, metavar="NAME=VALUE",
            help="Any other attribute, such as SCHED_REQUIREMENTS.",
        ),
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def content_template(application: Application, options: Mapping[str, Any]) -> Template:
    """Return the template that the options of :func:`content_options` describe; without any, an empty one."""
    template = Template()
    for name in ("cpu", "vcpu", "memory"):
        if options[name] is not None:
            template.set(name.upper(), f"{options[name]:g}" if name == "cpu" else str(options[name]))
    for words, kind, vector, key in (
        (options["disks"], IMAGE, "DISK", "IMAGE_ID"),
        (options["nics"], NETWORK, "NIC", "NETWORK_ID"),
    ):
        finder = Finder(application, kind)
        for word in (part for several in words for part in several.split(",") if part):
            template.add(vector, vector_of(finder, kind, word, key))
    system = {name.upper(): options[name] for name in ("boot", "arch") if options[name]}
    if system:
        template.set("OS", system)
    if options["vnc"]:
        template.set("GRAPHICS", {"TYPE": "VNC"})
    for name, value in parse_attributes(options["attributes"]):
        template.add(name, value)
    context = _context(options)
    if context:
        template.set("CONTEXT", context)
    return template


def vector_of(finder: Finder, kind: Kind, word: str, key: str) -> dict[str, str]:
    """Return the vector that ``NAME:KEY=VALUE:KEY=VALUE`` describes; without a name, one of nothing else."""
    name, *pairs = split_vector(word)
    vector = dict(parse_attributes(pairs))
    if name == AUTOMATIC and kind is NETWORK:
        vector["NETWORK_MODE"] = AUTOMATIC
    elif name.strip(":"):
        vector[key] = str(finder.one(name))
    if not vector:
        raise click.BadParameter(f"{word!r} names no {kind.title}")
    return vector


def _context(options: Mapping[str, Any]) -> dict[str, str]:
    context = {"NETWORK": "YES"} if options["nics"] else {}
    if options["ssh_key"]:
        context["SSH_PUBLIC_KEY"] = _contents("public key", options["ssh_key"]).strip()
    if options["start_script"]:
        script = _contents("start script", options["start_script"])
        context["START_SCRIPT_BASE64"] = b64encode(script.encode()).decode()
    context.update(parse_attributes(options["context"]))
    return context


def _contents(what: str, file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise TextError(f"read the {what} {file!r}: {reason}; name another file") from None
