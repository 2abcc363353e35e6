from __future__ import annotations

import re
from pathlib import Path

import pytest

from opennebula_core.contracts.manual import CONTRACTS, pages
from opennebula_core.plugins import discovery

FOLDER = Path(__file__).parents[2] / "docs/plugins/contracts"


def declared(text: str) -> list[str]:
    """Return the classes, exact signatures and fields that a page has."""
    return re.findall(r"^#+ .*|^- `\w+: .*", text, flags=re.MULTILINE)


@pytest.mark.parametrize("name", sorted(pages()))
def test_the_page_has_the_signatures_of_the_declaration(name: str) -> None:
    drawn = "python -m opennebula_core.contracts.manual docs/plugins/contracts"

    assert declared((FOLDER / name).read_text()) == declared(pages()[name]), f"draw it again: {drawn}"


def test_every_kind_of_driver_has_a_page() -> None:
    kinds = {contract.__module__.rpartition(".")[2] for contract in discovery.CONTRACTS.values()}

    assert kinds <= set(CONTRACTS)
    assert {path.name for path in FOLDER.iterdir()} == set(pages())
