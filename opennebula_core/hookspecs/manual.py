"""The manual's page of hooks, drawn from their declarations.

``python -m opennebula_core.hookspecs.manual > docs/plugins/hooks.md`` writes it.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Final

from opennebula_core.hookspecs import PROJECT, driver, manager, scheduler

DECLARATIONS: Final = (driver, scheduler, manager)
INTRODUCTION: Final = """\
# Hooks

A package that wants to add something, to know or to refuse implements hooks. It names a module (or an object)
in the entry-point group `opennebula.plugins` and marks functions, named like the hooks, with `impl`:

```toml
[project.entry-points."opennebula.plugins"]
audit = "acme_audit"
```

```python
from opennebula_core.hookspecs import impl


@impl
def opennebula_state_changed(change): ...
```

- A function takes only those of a hook's arguments that it uses, by name. It is a plain `def`.
- `impl(tryfirst=True)` and `impl(trylast=True)` decide the order; otherwise the one that was loaded last is
  called first. Wrappers are refused.
- A hook that a later kernel declares is marked `impl(optionalhook=True)`; any other unknown name is taken for
  a misspelt one. The plugin is then left out, and `one plugin list` says which name was probably meant.
- Of two packages that use one name in the group neither is loaded. `[plugins] disabled` in `oned.toml` leaves
  a plugin out.
- The values that hooks are given are frozen; the modules `opennebula_core.contracts.*` declare them.

This page is drawn from the declarations in `opennebula_core/hookspecs/`.
"""


def declared_hooks(module: ModuleType) -> list[Callable[..., object]]:
    """Return the hooks that a module declares, in the order of their declaration."""
    hooks = [
        function
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if hasattr(function, f"{PROJECT}_spec")
    ]
    return sorted(hooks, key=lambda function: function.__code__.co_firstlineno)


def signature_text(function: Callable[..., object]) -> str:
    """Return a hook's exact signature, such as ``opennebula_x(vm_id: int) -> None``."""
    signature = inspect.signature(function)
    parameters = ", ".join(f"{item.name}: {item.annotation}" for item in signature.parameters.values())
    return f"{function.__name__}({parameters}) -> {signature.return_annotation}"


def page() -> str:
    """Return the whole page."""
    return "\n".join((INTRODUCTION, *(part for module in DECLARATIONS for part in _section(module))))


def _section(module: ModuleType) -> Iterator[str]:
    title, _, rest = inspect.cleandoc(module.__doc__ or "").partition(". ")
    yield f"## {title.rstrip('.')}\n\n{_markdown(rest)}"
    for function in declared_hooks(module):
        text, _, parameters = inspect.cleandoc(function.__doc__ or "").partition("\n:param ")
        yield f"### `{signature_text(function)}`\n\n{_markdown(text)}"
        items = re.split(r"^:param ", parameters, flags=re.MULTILINE)
        yield "".join(
            f"- `{name}`: {_line(help)}\n" for name, _, help in (item.partition(": ") for item in items)
        )


def _markdown(text: str) -> str:
    return text.replace("``", "`").rstrip() + "\n"


def _line(text: str) -> str:
    return " ".join(_markdown(text).split())


if __name__ == "__main__":
    sys.stdout.write(page())
