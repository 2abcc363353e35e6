"""How a dummy driver behaves: delays and failures that options set, and a control file while it runs.

The file is ``$ONE_LOCATION/var/dummy/control.json``: rules by ``KIND/ACTION`` or ``KIND/*``::

    {"vmm/DEPLOY": {"delay_s": 2, "failure_rate": 1, "message": "no room", "vm_ids": [7], "times": 1},
     "im/*": {"hosts": ["host02"], "hang": true}}

``delay_s``, ``failure_rate`` (0 to 1), ``message`` of the failure, ``hang`` (never end) and ``exit`` (end the
whole driver process) say what happens; ``vm_ids``, ``hosts`` and ``times`` limit when. The first rule that
applies counts: that of the action, that of the kind, then the driver's options.
"""

from __future__ import annotations

import asyncio
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from opennebula_core.contracts.driver import Driver, Option, Report, SilentReport
from opennebula_core.errors import DriverError

OPTIONS: Final = (
    Option("delay_s", float, 0.0, "How long each action takes, in seconds."),
    Option("failure_rate", float, 0.0, "Which part of the actions fails, from 0 to 1."),
    Option("delays", str, "", "Delays of single actions, such as 'DEPLOY=0.5,SAVE=2'."),
    Option("fail", str, "", "Actions that always fail, such as 'MIGRATE,RESTORE'."),
)
"""What every dummy driver can be told in ``oned.toml``."""

PROGRESS_STEPS: Final = 10
CONTROL_FILE: Final = "control.json"


def dummy_folder(location: Path) -> Path:
    """Return the folder in which dummy drivers keep their world."""
    return location / "var" / "dummy"


@dataclass(slots=True)
class Rule:
    """What happens to actions, and to which."""

    delay_s: float = 0.0
    failure_rate: float = 0.0
    message: str = "the dummy driver was told to fail"
    hang: bool = False
    exit: bool = False
    vm_ids: list[int] | None = None
    hosts: list[str] | None = None
    times: int | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """An action about to be done.

    :param attempt: part of the dice: a repeated action has new luck
    """

    action: str
    object_id: int = -1
    host: str = ""
    attempt: int = 1
    report: Report = field(default_factory=SilentReport)


class Behaviour:
    """Delays and fails the actions of one dummy driver as it was told."""

    def __init__(self, kind: str, driver: Driver) -> None:
        self._kind = kind
        self._file = dummy_folder(driver.driver_context.location) / CONTROL_FILE
        self._path = str(self._file)
        self._changed_ns = 0
        self._rules: dict[str, Rule] = {}
        self._default = Rule(
            delay_s=float(driver.setting("delay_s")), failure_rate=float(driver.setting("failure_rate"))
        )
        self._delays = {
            action.strip().upper(): float(delay)
            for action, equals, delay in (
                item.partition("=") for item in str(driver.setting("delays")).split(",")
            )
            if equals
        }
        self._failing = {action.strip().upper() for action in str(driver.setting("fail")).split(",")}

    async def before(self, act: Act) -> None:
        """Wait as long as the action shall take, then fail if it shall.

        :raises DriverError: it shall fail
        """
        rule = self._rule(act)
        if rule.exit:
            os._exit(3)
        if rule.hang:
            await asyncio.Event().wait()
        if rule.delay_s > 0:
            await _pass_time(rule.delay_s, act.report)
        if _dice(act) < rule.failure_rate:
            raise DriverError(f"{act.action} of {act.object_id} on {act.host!r}: {rule.message}")

    def _rule(self, act: Act) -> Rule:
        self._reload()
        for key in (f"{self._kind}/{act.action}", f"{self._kind}/*"):
            rule = self._rules.get(key)
            if rule is not None and _applies(rule, act):
                return rule
        if act.action in self._failing:
            return Rule(delay_s=self._delays.get(act.action, self._default.delay_s), failure_rate=1.0)
        if act.action in self._delays:
            return Rule(delay_s=self._delays[act.action], failure_rate=self._default.failure_rate)
        return self._default

    def _reload(self) -> None:
        """Read the control file again if it has changed."""
        try:
            changed_ns = os.stat(self._path).st_mtime_ns
        except FileNotFoundError:
            self._rules, self._changed_ns = {}, 0
            return
        if changed_ns != self._changed_ns:
            self._rules = dict(_read_rules(self._file))
            self._changed_ns = changed_ns


def write_control(location: Path, rules: Mapping[str, Mapping[str, object]]) -> None:
    """Tell the dummy drivers of a cloud how to behave from now on; no rules: as their options say."""
    folder = dummy_folder(location)
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{CONTROL_FILE}"
    temporary.write_text(json.dumps(rules))
    temporary.replace(folder / CONTROL_FILE)


def _read_rules(file: Path) -> Iterator[tuple[str, Rule]]:
    try:
        document: dict[str, dict[str, Any]] = json.loads(file.read_text())
        for key, values in document.items():
            yield key, Rule(**values)
    except (ValueError, TypeError, AttributeError) as error:
        raise DriverError(f"read {file}: {error}; correct it, or remove it") from None


def _applies(rule: Rule, act: Act) -> bool:
    if rule.vm_ids is not None and act.object_id not in rule.vm_ids:
        return False
    if rule.hosts is not None and act.host not in rule.hosts:
        return False
    if rule.times is not None:
        if rule.times <= 0:
            return False
        rule.times -= 1
    return True


def _dice(act: Act) -> float:
    """Return a number from 0 to below 1, always the same for the same action."""
    return zlib.crc32(f"{act.action} {act.object_id} {act.host} {act.attempt}".encode()) / 2**32


async def _pass_time(delay_s: float, report: Report) -> None:
    if isinstance(report, SilentReport):
        await asyncio.sleep(delay_s)
        return
    for step in range(PROGRESS_STEPS):
        await asyncio.sleep(delay_s / PROGRESS_STEPS)
        report.progress(step + 1, PROGRESS_STEPS)
