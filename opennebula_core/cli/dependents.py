"""What of a cloud depends on which driver or policy: objects, as the API tells of them, and settings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final
from xml.etree.ElementTree import Element

from opennebula_core.cli.kinds import DATASTORE, HOST, NETWORK, USER, VM, Kind
from opennebula_core.client import Client
from opennebula_core.config import Config
from opennebula_core.contracts.kinds import DRIVER_KINDS, SCHEDULER

NO_DRIVER: Final = ("", "-")
SETTING: Final = "setting"
_BUILT_IN_AUTH: Final = frozenset({"core", "public", "server_cipher"})
"""Ways of logging in that the core has itself. Source: api/password_checks.py."""

_NAMED_BY: Final = (
    ("im", "IM_MAD", HOST),
    ("vmm", "VM_MAD", HOST),
    ("datastore", "DS_MAD", DATASTORE),
    ("tm", "TM_MAD", DATASTORE),
    ("vnm", "VN_MAD", NETWORK),
    ("auth", "AUTH_DRIVER", USER),
    ("vmm", "HISTORY_RECORDS/HISTORY/VM_MAD", VM),
    ("tm", "HISTORY_RECORDS/HISTORY/TM_MAD", VM),
)


def objects_of(client: Client, kinds: Collection[str] = DRIVER_KINDS) -> dict[Kind, list[Element]]:
    """Return all objects of a cloud that may name drivers.

    :param kinds: of the drivers that matter
    :raises ClientError: the cloud does not answer
    """
    nouns = dict.fromkeys(noun for kind, _, noun in _NAMED_BY if kind in kinds)
    return {noun: noun.list(client).findall(noun.element) for noun in nouns}


class Dependents:
    """Who needs what, in words: ``host01`` is one of the hosts that need ``("vmm", "kvm")``."""

    def __init__(self) -> None:
        self._users: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))

    def note(self, objects: Mapping[Kind, Iterable[Element]]) -> None:
        """Take what objects name, see :func:`objects_of`."""
        for kind, path, noun in _NAMED_BY:
            for item in objects.get(noun, ()):
                for name in {(found.text or "").strip() for found in item.iterfind(path)}:
                    if name not in NO_DRIVER and not (kind == "auth" and name in _BUILT_IN_AUTH):
                        self._users[kind, name][noun.title].append(item.findtext("NAME", ""))

    def note_settings(self, config: Config) -> None:
        """Take what the configuration names."""
        self._users[SCHEDULER, config.scheduler.policy][SETTING].append("[scheduler] policy")
        if config.users.default_auth:
            self._users["auth", config.users.default_auth][SETTING].append("[users] default_auth")
        for name, settings in config.drivers.get("vmm", {}).items():
            if settings.description:
                place = f"[drivers.vmm.{name}] description"
                self._users["vmm", settings.description][SETTING].append(place)

    def names(self) -> list[tuple[str, str]]:
        """Return kind and name of everything that somebody needs."""
        return list(self._users)

    def of(self, kind: str, name: str) -> dict[str, list[str]]:
        """Return who needs it: the names of hosts under ``host``, and so on; empty: nobody does."""
        return {noun: sorted(users) for noun, users in self._users.get((kind, name), {}).items()}

    def text(self, kind: str, name: str) -> str:
        """Return how many need it, such as ``2 hosts, 1 VM``; empty: nobody does."""
        return ", ".join(_counted(noun, len(users)) for noun, users in self.of(kind, name).items())

    def lines(self, kind: str, name: str, limit: int = 10) -> Iterator[str]:
        """Yield who needs it by name, a line for each kind of object.

        :param limit: the names that are told of one kind
        """
        for noun, users in self.of(kind, name).items():
            rest = f" and {len(users) - limit} more" if len(users) > limit else ""
            yield f"{_counted(noun, len(users))}: {', '.join(users[:limit])}{rest}"


def _counted(noun: str, number: int) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
