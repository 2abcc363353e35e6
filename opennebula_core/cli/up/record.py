"""What ``one up`` has made on this machine, kept for ``one down``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from opennebula_core.cli.processes import Running
from opennebula_core.cli.up.programs import MachineError
from opennebula_core.config.location import Location


@dataclass(slots=True)
class Record:
    """Everything that has to go again.

    :param host: under which name this machine is registered; empty with the dummy hypervisor
    :param vm_id: the first VM, -1 while there is none
    :param bridges: bridges that were made
    :param units: units of systemd that were started
    :param processes: daemons that were started without systemd
    :param kvm_device: mode and group that ``/dev/kvm`` had, if they were changed
    """

    host: str = ""
    vm_id: int = -1
    bridges: list[str] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    processes: list[Running] = field(default_factory=list)
    kvm_device: list[int] = field(default_factory=list)

    @classmethod
    def load(cls, location: Location) -> Record:
        """Return what was kept; an empty record when there is nothing.

        :raises MachineError: the file is damaged
        """
        path = _path(location)
        try:
            fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            fields["processes"] = [Running(**item) for item in fields["processes"]]
            return cls(**fields)
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise MachineError(
                f"read {path}: {error}; look what it names, remove that by hand, and remove the file"
            ) from None

    def save(self, location: Location) -> None:
        """Keep it."""
        path = _path(location)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")
        fresh.replace(path)

    @staticmethod
    def remove(location: Location) -> None:
        """Forget it: nothing is left that would have to go."""
        _path(location).unlink(missing_ok=True)


def _path(location: Location) -> Path:
    return location.run / "up.json"
