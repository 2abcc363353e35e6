"""Where a lab keeps its state and which addresses it uses."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MAX_HOSTS = 16


@dataclass(frozen=True, slots=True)
class LabSettings:
    """A lab's settings; two labs with different directories do not disturb one another.

    :param directory: all state of the lab; under 75 characters if the hosts' libvirt sockets are to be used
        from outside, because a socket's path has at most 108
    :param cache: the unpacked kernel and the guest image, shared by all labs
    :param network: first three bytes of the /24 network of management and guests
    :param second_network: the same of the hosts' second card
    :param accelerator: ``kvm`` or ``tcg``; empty to find out by trying
    """

    directory: Path
    cache: Path
    network: str = "10.77.0"
    second_network: str = "10.78.0"
    accelerator: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> LabSettings:
        """Read ``KVMLAB_DIR``, ``_CACHE``, ``_NET``, ``_NET2`` and ``_ACCEL``."""
        directory = environment.get("KVMLAB_DIR") or os.path.join(tempfile.gettempdir(), "kvmlab")
        cache = environment.get("KVMLAB_CACHE") or os.path.expanduser("~/.cache/kvmlab")
        return cls(
            directory=Path(directory).absolute(),
            cache=Path(cache).absolute(),
            network=environment.get("KVMLAB_NET", "10.77.0"),
            second_network=environment.get("KVMLAB_NET2", "10.78.0"),
            accelerator=environment.get("KVMLAB_ACCEL", ""),
        )

    def environment(self) -> dict[str, str]:
        """Return the variables from which :meth:`from_environment` makes the same settings."""
        return {
            "KVMLAB_DIR": str(self.directory),
            "KVMLAB_CACHE": str(self.cache),
            "KVMLAB_NET": self.network,
            "KVMLAB_NET2": self.second_network,
            "KVMLAB_ACCEL": self.accelerator,
        }

    def made_cache(self) -> Path:
        """Return the cache's folder, made when it is not there."""
        self.cache.mkdir(parents=True, exist_ok=True)
        return self.cache
