"""Single lines of transfer scripts: words, the drivers that shall run them, the places they are about.

A line that starts with ``#%`` says what the verbs do not: sizes, formats, the attempt. Other drivers read it
as a comment.
"""

from __future__ import annotations

from dataclasses import dataclass

from opennebula_core.errors import DriverError
from opennebula_core.managers.transfer.paths import VmPaths
from opennebula_core.model.template import Vector


@dataclass(frozen=True, slots=True)
class Stay:
    """The places that a script is about.

    :param tm_mad: transfer driver of the system datastore
    :param forced_tm_mad: driver for every line, when the host's hypervisor brings its own kind of disks
    :param previous_host: where the VM comes from, for migrations; its system datastore may be another one
    """

    host: str
    front_end: str
    paths: VmPaths
    tm_mad: str
    forced_tm_mad: str = ""
    previous_host: str = ""
    previous_paths: VmPaths | None = None
    previous_tm_mad: str = ""


def line(verb: str, *words: object) -> str:
    """Return a line of a script. What templates give ends up here, and the grammar has no quoting.

    :raises DriverError: a word is empty or has blanks, which would make it another command
    """
    texts = [str(word) for word in words]
    for text in texts:
        if not text or len(text.split()) != 1 or text.split()[0] != text:
            raise DriverError(
                f"{verb}: {text!r} cannot stand in a transfer script; correct the VM's template"
            )
    return " ".join((verb, *texts))


def pragma(**facts: str) -> str:
    """Return the line that tells our own drivers more about the next one."""
    return line("#%", *(f"{name}={value}" for name, value in facts.items()))


def system_driver(stay: Stay) -> str:
    """Return the driver of the system datastore."""
    return stay.forced_tm_mad or stay.tm_mad


def disk_driver(disk: Vector, stay: Stay) -> str:
    """Return the driver of a disk: that of its image's datastore, or of the system datastore."""
    return stay.forced_tm_mad or disk.get("TM_MAD") or stay.tm_mad


def datastore_of(disk: Vector, stay: Stay) -> str | int:
    """Return the datastore of a disk: its image's, or the system datastore."""
    return disk.get("DATASTORE_ID") or stay.paths.datastore_id


def is_persistent(disk: Vector) -> bool:
    """Return whether a disk is written back to its image."""
    return disk.get("SAVE", "").upper() == "YES"


def is_volatile(disk: Vector) -> bool:
    """Return whether a disk comes from no image."""
    return "IMAGE_ID" not in disk


def on_host(stay: Stay) -> str:
    """Return the VM's folder on its host."""
    return f"{stay.host}:{stay.paths.on_host}"


def on_front_end(stay: Stay) -> str:
    """Return the VM's folder on the front-end."""
    return f"{stay.front_end}:{stay.paths.on_front_end}"
