"""What a lab consists of, kept in its directory as ``lab.json`` for all who work in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from opennebula_core.testing.kvmlab.command import LabError, write_file
from opennebula_core.testing.kvmlab.settings import MAX_HOSTS, LabSettings

FRONT_END = "fe"
GUEST_IMAGE = "/var/lib/kvmlab/guest.qcow2"
"""Where every host sees the guest image, read-only."""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """A lab as it was asked for.

    :param shares: folders that ``fe`` and all hosts see at the same path
    :param image: the guest image out here, empty when hosts see none
    :param cgroups: host -> the cgroup v1 controllers in which it has a group of its own
    """

    settings: LabSettings
    hosts: tuple[str, ...]
    accelerator: str
    shares: tuple[str, ...] = ()
    image: str = ""
    with_libvirt: bool = True
    cgroups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The front-end's place and the hosts."""
        return (FRONT_END, *self.hosts)

    @property
    def tag(self) -> str:
        """What tells this lab from others on the machine."""
        return hashlib.sha1(str(self.settings.directory).encode()).hexdigest()[:8]

    def place(self, name: str, *more: str) -> Path:
        """Return where the state of a host, or of ``fe``, is kept."""
        if name not in self.names:
            raise LabError(f"no host {name!r} in this lab: there are {', '.join(self.names)}")
        return self.settings.directory.joinpath(name, *more)

    def address(self, name: str, *, card: int = 0) -> str:
        """Return the address of a host's first or second card (0 or 1)."""
        network = self.settings.second_network if card else self.settings.network
        return f"{network}.{254 if name == FRONT_END else self.number(name)}"

    @staticmethod
    def number(host: str) -> int:
        """Return 3 for ``host3``."""
        return int(host.removeprefix("host"))

    def hosts_file(self) -> str:
        """Return ``/etc/hosts`` for inside."""
        lines = [f"{self.address(name)} {name}\n" for name in self.names]
        return "127.0.0.1 localhost\n" + "".join(lines)

    def shared_folder(self, share: str) -> Path:
        """Return where what hosts see at ``share`` is out here."""
        return self.settings.directory / "shared" / share.strip("/").replace("/", "_")

    def save(self) -> None:
        """Write ``lab.json``."""
        values = {
            "hosts": self.hosts,
            "accelerator": self.accelerator,
            "shares": self.shares,
            "image": self.image,
            "with_libvirt": self.with_libvirt,
            "cgroups": dict(self.cgroups),
        }
        write_file(self.settings.directory / "lab.json", json.dumps(values, indent=1) + "\n")

    @classmethod
    def load(cls, settings: LabSettings) -> Blueprint | None:
        """Read the ``lab.json`` of a directory, None when there is none."""
        try:
            values = json.loads((settings.directory / "lab.json").read_text())
        except FileNotFoundError:
            return None
        return cls(
            settings=settings,
            hosts=tuple(values["hosts"]),
            accelerator=values["accelerator"],
            shares=tuple(values["shares"]),
            image=values["image"],
            with_libvirt=values["with_libvirt"],
            cgroups={name: tuple(controllers) for name, controllers in values["cgroups"].items()},
        )


def host_names(count: int) -> tuple[str, ...]:
    """Return ``host1`` and so on.

    :raises LabError: too few or too many
    """
    if not 1 <= count <= MAX_HOSTS:
        raise LabError(f"lab of {count} hosts: it can have 1 to {MAX_HOSTS}")
    return tuple(f"host{number}" for number in range(1, count + 1))
