from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from opennebula_core.hookspecs import IN_TRANSACTION
from opennebula_core.hookspecs.manual import DECLARATIONS, declared_hooks, page, signature_text

ROOT = Path(__file__).parents[2]
HOOKS = [hook for module in DECLARATIONS for hook in declared_hooks(module)]
every_hook = pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.__name__)


def test_the_manual_is_up_to_date() -> None:
    assert (ROOT / "docs/plugins/hooks.md").read_text() == page(), (
        "run python -m opennebula_core.hookspecs.manual > docs/plugins/hooks.md"
    )


@every_hook
def test_every_hook_has_a_heading_with_its_exact_signature(hook: Callable[..., object]) -> None:
    headings = re.findall(r"^### `(.*)`$", (ROOT / "docs/plugins/hooks.md").read_text(), flags=re.MULTILINE)

    assert headings.count(signature_text(hook)) == 1


@every_hook
def test_every_hook_has_a_test_of_its_name(hook: Callable[..., object]) -> None:
    tests = "\n".join(path.read_text() for path in (ROOT / "tests/hookspecs").glob("test_*.py"))

    assert re.search(rf"^(async )?def test_hook_{hook.__name__}(_\w+)?\(", tests, flags=re.MULTILINE)


@every_hook
def test_every_hook_tells_what_an_author_must_know(hook: Callable[..., object]) -> None:
    text = hook.__doc__ or ""

    assert text.startswith("Called ")
    assert "transaction" in text or "commit" in text or text.startswith("Called as ")
    assert "result" in text or "returned" in text
    assert "exception" in text.lower()
    assert re.search(r"Since 0\.\d+\.", text)
    for name in hook.__annotations__.keys() - {"return"}:
        assert f":param {name}: " in text


@every_hook
def test_hooks_inside_a_transaction_say_so(hook: Callable[..., object]) -> None:
    assert ("inside its transaction" in (hook.__doc__ or "")) == (hook.__name__ in IN_TRANSACTION)
