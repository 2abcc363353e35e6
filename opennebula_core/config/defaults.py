"""The commented ``oned.toml`` that a first start writes: every setting with its default."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Final

from opennebula_core.config.load import PLAIN_SECTIONS, SCHEDULER
from opennebula_core.config.location import Location
from opennebula_core.config.settings import DEFAULT_PORT, DriverSettings, SchedulerSettings
from opennebula_core.config.tables import declared_settings, default_of

HEADER: Final = """\
# The configuration of this cloud. A line such as `#port = 2633` shows a default; remove the '#' to change it.
# `one config check` checks the file; a restart (`one stop`, `one start`) applies it.
"""
POLICY_NOTE: Final = """\
# The options of a policy stand in a section of its own, [scheduler.POLICY].
"""
DRIVERS_NOTE: Final = """\
# Drivers work by the names that `one plugin list` shows, without being configured. A section
# [drivers.KIND.NAME] changes one, or runs any program that speaks OpenNebula's driver protocol;
# KIND is vmm, tm, im, vnm, datastore, auth or ipam. Its own options stand in [drivers.KIND.NAME.options].
#
#[drivers.vmm.kvm]
"""
SECTIONS: Final[Mapping[str, type]] = {
    name: {**PLAIN_SECTIONS, SCHEDULER: SchedulerSettings}[name]
    for name in ("api", "database", SCHEDULER, *list(PLAIN_SECTIONS)[2:])
}


def toml_value(value: object) -> str:
    """Return a setting's value as TOML writes it."""
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def default_toml(*, port: int = DEFAULT_PORT) -> str:
    """Return the text of a new ``oned.toml``, all defaults but the port."""
    sections = [f"[{name}]\n{_settings(section)}" for name, section in SECTIONS.items()]
    drivers = DRIVERS_NOTE + _settings(DriverSettings)
    text = "\n".join((HEADER, *sections, POLICY_NOTE, drivers))
    if port == DEFAULT_PORT:
        return text
    return text.replace(f"#port = {DEFAULT_PORT}\n", f"port = {port}\n")


def _settings(section: type) -> str:
    return "".join(
        f"# {rule.help}\n#{name} = {toml_value(default_of(section, name))}\n"
        for name, rule in declared_settings(section).items()
    )


DEFAULT_TOML: Final = default_toml()


def write_default_config(location: Location, *, port: int = DEFAULT_PORT) -> bool:
    """Write ``etc/oned.toml`` unless there is one; readable by its owner only, as it may hold secrets.

    :returns: whether it was written
    """
    location.etc.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(location.config_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(default_toml(port=port))
    return True
