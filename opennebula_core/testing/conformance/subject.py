"""The driver under test: how it is started, what it says it can do, and what its author tells of it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from opennebula_core.errors import ConfigError
from opennebula_core.plugins.description import REQUIRED_ACTIONS

NOT_IN_ALL_DIALECTS: Final = frozenset({"DESCRIBE", "UPDATESG"})
"""What our own drivers have, and a program need not."""

KINDS: Final = ("vmm", "tm", "im", "vnm", "datastore", "auth")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long what may take, in seconds.

    :param answer: from a request to its answer
    :param end: from FINALIZE, or the end of input, to the end of the process
    :param check: one check
    :param total: all of them; what is left then is not tried
    """

    answer: float = 10.0
    end: float = 3.0
    check: float = 20.0
    total: float = 30.0


@dataclass(frozen=True, slots=True)
class Login:
    """What an authentication driver lets a user in with.

    :param secret: empty: no login is known, and what has to succeed is not tried
    """

    user: str = "alice"
    stored: str = "-"
    secret: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is under test.

    :param command: program and arguments
    :param name: what requests call the driver: ``DS_MAD``, the word in transfer scripts, ``VN_MAD``
    :param is_own: it speaks this core's additions to the protocol, as plugins do
    :param dialect: the OpenNebula release whose protocol it speaks
    :param pretends: it only says that it did what it was asked, so nobody looks for effects
    :param unrepeatable: actions that it may be asked for only once
    :param folder: on the hosts, for checkpoints and the like; it has to be there; empty: a temporary one
    :param template: of the guests
    :param deployment_file: a deployment description that it takes; empty: it makes its own, or any does
    :param slow: attributes, or for ``tm`` lines of a script, that make it take at least a second
    :param unreachable: a host that cannot be monitored
    :param config: an ``oned.toml`` with its settings
    """

    kind: str
    command: tuple[str, ...]
    name: str = "check"
    is_own: bool = False
    actions: frozenset[str] = frozenset()
    dialect: str = "6.10"
    host: str = "host1"
    destination: str = "host2"
    folder: str = ""
    pretends: bool = False
    unrepeatable: frozenset[str] = frozenset()
    template: str = "CPU = 1\nMEMORY = 128"
    deployment_file: str = ""
    slow: str = ""
    unreachable: str = ""
    period_s: float = 1.0
    config: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    login: Login = Login()
    limits: Limits = Limits()

    @property
    def described_actions(self) -> frozenset[str]:
        """The actions that are tried: those declared, else those that every driver of the kind has."""
        return self.actions or frozenset(map(str, REQUIRED_ACTIONS[self.kind])) - NOT_IN_ALL_DIALECTS


def read_file(subject: Subject, file: Path) -> Subject:
    """Return the subject with what a TOML file says of it.

    :raises ConfigError: the file cannot be read, or has keys or values that mean nothing
    """
    try:
        document = tomllib.loads(file.read_text())
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"read {str(file)!r}: {error}; correct it") from None
    changes: dict[str, Any] = {}
    for key, value in document.items():
        changes[key] = _value(subject, key, value, file)
    return replace(subject, **changes)


def _value(subject: Subject, key: str, value: object, file: Path) -> object:
    known = {each.name for each in fields(subject)} - {"kind", "command", "name", "is_own"}
    if key not in known:
        raise ConfigError(f"read {str(file)!r}: there is no {key!r}; there are {', '.join(sorted(known))}")
    current = getattr(subject, key)
    try:
        match current:
            case Limits() | Login():
                return replace(current, **_table(value))
            case frozenset():
                return frozenset(str(each).upper() for each in _list(value))
            case dict():
                return {str(name): str(text) for name, text in _table(value).items()}
            case float():
                return float(str(value))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"read {str(file)!r}: {key}: {error}; correct it") from None
    if not isinstance(value, type(current)):
        raise ConfigError(f"read {str(file)!r}: {key} is {value!r}; write a {type(current).__name__}")
    return value


def _table(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is no table")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is no list")
    return value
