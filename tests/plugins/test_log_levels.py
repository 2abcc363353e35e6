from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest

from opennebula_core.plugins.log_levels import apply_levels, logger_of

Install = Callable[..., str]


@pytest.fixture
def _restored() -> Iterator[None]:
    yield
    for name in ("acme.deep", "opennebula_core.dummy.vmm"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def test_a_plugin_is_found_by_the_word_that_the_configuration_has_for_it(install: Install) -> None:
    module = install("acme-audit", {"opennebula.plugins": {"audit": "MODULE.deep"}}, "x = 1")

    assert logger_of("audit") == module
    assert logger_of("vmm/dummy") == "opennebula_core.dummy.vmm"
    assert logger_of("acme.deep") == "acme.deep"


@pytest.mark.usefixtures("_restored")
def test_each_has_the_level_that_is_written() -> None:
    apply_levels({"vmm/dummy": "debug", "acme.deep": "error"})

    assert logging.getLogger("opennebula_core.dummy.vmm").level == logging.DEBUG
    assert logging.getLogger("acme.deep.er").getEffectiveLevel() == logging.ERROR
