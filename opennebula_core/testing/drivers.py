"""For authors of drivers: what contract tests of all kinds share."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from opennebula_core.config import option_values
from opennebula_core.contracts.driver import Driver, DriverContext
from opennebula_core.contracts.vmm import Guest
from opennebula_core.model.template import Template
from opennebula_core.xml import element

T = TypeVar("T")


def driver_context(location: Path, name: str = "mine", **settings: str | int | float | bool) -> DriverContext:
    """Return what a driver is made with; options that are not given have their defaults."""
    return DriverContext(name, location, settings)


def make_guest(
    host: str,
    *,
    vm_id: int = 7,
    deploy_id: str = "",
    attempt: int = 1,
    directory: str = "/var/lib/one/datastores/0/7",
    template: str = "CPU = 1\nMEMORY = 128",
) -> Guest:
    """Return a VM as its driver sees it, on a host and with a template."""
    parsed = Template.parse(template)
    document = f"<VM><ID>{vm_id}</ID><NAME>guest-{vm_id}</NAME>{parsed.to_xml()}</VM>"
    return Guest(
        vm_id=vm_id,
        name=f"guest-{vm_id}",
        host=host,
        deploy_id=deploy_id,
        directory=directory,
        template=parsed,
        user_template=Template(),
        document=element(document),
        datastore=element("<DATASTORE><ID>0</ID></DATASTORE>"),
        attempt=attempt,
    )


async def settle(answer: Awaitable[T] | T) -> T:
    """Return what a driver's method answers, whether it is ``async def`` or plain."""
    if inspect.isawaitable(answer):
        return await answer
    return answer


def misdeclared(
    driver: type[Driver], contract: type[Driver], methods: Iterable[tuple[StrEnum, str]]
) -> list[str]:
    """Return the optional actions that a class declares and does not implement, or the other way round.

    :param methods: each optional action with the name of its method
    """
    declared: frozenset[StrEnum] = getattr(driver, "optional_actions", frozenset())
    return [
        f"{action}: {'declared' if action in declared else 'implemented'} only"
        for action, method in methods
        if (action in declared) != (getattr(driver, method) is not getattr(contract, method))
    ]


def checked_options(driver: type[Driver]) -> dict[str, str | int | float | bool]:
    """Return the defaults of a class's options, having put them through the check that settings go through.

    :raises ConfigError: a default is not of its option's type
    """
    given = {option.name: option.default for option in driver.options}
    return option_values(driver.options, given, driver.__name__)
