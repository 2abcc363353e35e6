"""What a driver or policy class says of itself: the actions it implements and the options it takes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

from opennebula_core.contracts.driver import Option
from opennebula_core.contracts.scheduler import SchedulerPolicy
from opennebula_core.contracts.tm import TmAction
from opennebula_core.contracts.vmm import VmmAction
from opennebula_core.errors import PluginError

REQUIRED_ACTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "vmm": (
        VmmAction.DEPLOY,
        VmmAction.SHUTDOWN,
        VmmAction.CANCEL,
        VmmAction.POLL,
        VmmAction.CLEANUP,
        VmmAction.DESCRIBE,
        VmmAction.UPDATESG,
    ),
    "tm": (
        TmAction.CLONE,
        TmAction.LN,
        TmAction.MKSWAP,
        TmAction.MKIMAGE,
        TmAction.CONTEXT,
        TmAction.MV,
        TmAction.MVDS,
        TmAction.DELETE,
        TmAction.PREMIGRATE,
        TmAction.POSTMIGRATE,
        TmAction.FAILMIGRATE,
    ),
    "im": ("START_MONITOR", "STOP_MONITOR"),
    "vnm": ("PRE", "POST", "CLEAN", "UPDATE_SG"),
    "datastore": ("STAT", "CP", "MKFS", "CLONE", "RM", "MONITOR"),
    "auth": ("AUTHENTICATE",),
}
"""Actions that every driver of a kind has; the others stand in its ``optional_actions``."""

POLICY_STEPS: Final = ("collect", "filter", "rank", "choose_datastore", "decide", "dispatch")
TYPES: Final[Mapping[str, type[str] | type[int] | type[float] | type[bool]]] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
}


@dataclass(frozen=True, slots=True)
class Description:
    """What ``onedriver KIND NAME --describe`` prints.

    :param target: where the class is, ``module:Class``
    :param actions: for drivers the actions that they carry out; for policies the steps that they override
    :param transfer_driver: vmm only: the TM driver that its hosts need, whatever their datastores say
    :param warnings: what its author should change, such as a deprecated hook that it implements
    """

    kind: str
    name: str
    distribution: str
    version: str
    target: str
    actions: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    transfer_driver: str = ""
    warnings: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return it as one line of JSON."""
        return json.dumps({**asdict(self), "options": [option_fields(option) for option in self.options]})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return what :meth:`to_json` wrote.

        :raises PluginError: the text is nothing of the kind
        """
        try:
            fields: dict[str, Any] = json.loads(text)
            options = tuple(
                Option(item["name"], TYPES[item["type"]], item["default"], item["help"])
                for item in fields.pop("options")
            )
            actions, warnings = (tuple(fields.pop(key, ())) for key in ("actions", "warnings"))
            return cls(**fields, actions=actions, options=options, warnings=warnings)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise PluginError(
                f"read the description of a driver: {text[:80]!r} is none ({error!r}); "
                f"upgrade the driver's package"
            ) from None


def option_fields(option: Option) -> dict[str, Any]:
    """Return an option as plain values, its type by name."""
    return {**asdict(option), "type": option.type.__name__}


def actions_of(kind: str, plugin: type) -> tuple[str, ...]:
    """Return the actions of a driver class, or the steps that a policy overrides."""
    if issubclass(plugin, SchedulerPolicy):
        return tuple(
            step for step in POLICY_STEPS if getattr(plugin, step) is not getattr(SchedulerPolicy, step)
        )
    optional = sorted(str(action) for action in getattr(plugin, "optional_actions", ()))
    required = [str(action) for action in REQUIRED_ACTIONS.get(kind, ())]
    return (*required, *(action for action in optional if action not in required))


def options_of(plugin: type) -> tuple[Option, ...]:
    """Return the options that a driver or policy class declares."""
    return tuple(getattr(plugin, "options", ()))
