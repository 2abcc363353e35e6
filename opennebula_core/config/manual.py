"""The manual's page of settings, drawn from their declarations.

``python -m opennebula_core.config.manual > docs/configuration.md`` writes it.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import Final

from opennebula_core.config.defaults import SECTIONS, toml_value
from opennebula_core.config.options import TYPE_WORDS
from opennebula_core.config.settings import DriverSettings
from opennebula_core.config.tables import declared_settings, default_of, setting_type

INTRODUCTION: Final = """\
# Configuration

A cloud keeps everything below one folder: what `ONE_LOCATION` names, else `~/.one`.

| path | what |
| --- | --- |
| `etc/oned.toml` | the configuration, described on this page |
| `one_auth` | `oneadmin:password`, made by the first start |
| `var/one.db` | the database |
| `var/log/` | the logs of the programs and drivers |
| `var/datastores/` | images, on the front-end |
| `var/vms/ID/` | a VM's log, deployment descriptions and transfer scripts |
| `var/remotes/hooks/` | programs that [hooks](hooks.md) run |
| `var/run/` | process ids |

The first `one start` writes `etc/oned.toml`, in which every setting stands with its default behind a `#`.
Without the file the defaults hold. `one config check` reads the file as the programs do and says all that is
wrong with it, with the nearest right name for one that is misspelt: settings, policies, drivers, and the
options that an installed policy or driver takes. A restart applies it. The scheduler and drivers read the
same file.

Paths of files that settings name are relative to `etc/`. Times are in seconds: `_s` at the end of a name says
so.

This page is drawn from the declarations in `opennebula_core/config/settings.py`.
"""
POLICIES: Final = """\
The options of a policy stand in a section of its own, and are checked by what the policy declares
(`one plugin show scheduler NAME`):

```toml
[scheduler]
policy = "default"

[scheduler.default]
policy = "packing"
```
"""
LEVELS: Final = """\
A plugin that says too much or too little has a level of its own, by the name under which `[plugins] disabled`
knows it; so has any logger, by its name:

```toml
[log.levels]
audit = "error"
"vmm/kvm" = "debug"
"opennebula_core.plans" = "debug"
```
"""
DRIVERS: Final = """\
Drivers work by the names that `one plugin list` shows, without being configured: a host whose `im_mad` and
`vm_mad` are `dummy` works at once. A section changes a driver, or puts any program that speaks OpenNebula's
driver protocol in its place. KIND is `vmm`, `tm`, `im`, `vnm`, `datastore`, `auth` or `ipam`.

The driver's own options stand in `[drivers.KIND.NAME.options]`. They are checked by what the driver declares
(`one plugin show KIND NAME`) when it starts.

```toml
[drivers.vmm.kvm.options]
libvirt_uri = "qemu:///system"

[drivers.vmm.legacy]
executable = "/usr/lib/one/mads/one_vmm_exec"
arguments = "-t 15 -r 0 kvm"
dialect = "5.12"
description = "kvm"
```
"""


def page() -> str:
    """Return the whole page."""
    return "\n".join(
        (INTRODUCTION, *_sections(), "## `[drivers.KIND.NAME]`\n", DRIVERS, table(DriverSettings))
    )


def table(section: type) -> str:
    """Return the settings of a section as a Markdown table."""
    rows = [
        f"| `{name}` | {_default(default_of(section, name))} | {_meaning(section, name)} |"
        for name in declared_settings(section)
    ]
    return "\n".join(("| setting | default | meaning |", "| --- | --- | --- |", *rows, ""))


def _sections() -> Iterator[str]:
    for name, section in SECTIONS.items():
        summary = inspect.cleandoc(section.__doc__ or "").partition("\n")[0]
        yield f"## `[{name}]`\n\n{summary.replace('``', '`')}\n"
        yield table(section)
        if name == "scheduler":
            yield POLICIES
        elif name == "log":
            yield LEVELS


def _default(value: object) -> str:
    if isinstance(value, tuple) and value:
        return ", ".join(f"`{item}`" for item in value)
    return f"`{toml_value(value)}`"


def _meaning(section: type, name: str) -> str:
    rule = declared_settings(section)[name]
    limits = [
        TYPE_WORDS[setting_type(section, name)],
        f"one of {', '.join(rule.choices)}" if rule.choices else "",
        rule.expected,
        f"at least {rule.minimum:g}" if rule.minimum is not None else "",
        f"at most {rule.maximum:g}" if rule.maximum is not None else "",
    ]
    return f"{rule.help} ({', '.join(text for text in limits if text)})"


if __name__ == "__main__":
    sys.stdout.write(page())
