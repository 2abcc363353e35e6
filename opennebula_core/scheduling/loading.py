"""The policy that the configuration names, found, checked and made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from opennebula_core.config import Config, Location, option_values
from opennebula_core.contracts.driver import DriverContext
from opennebula_core.contracts.kinds import SCHEDULER, group_of
from opennebula_core.contracts.scheduler import Limits, SchedulerPolicy
from opennebula_core.errors import PluginError
from opennebula_core.plugins import load_driver


@dataclass(frozen=True, slots=True)
class Charge:
    """A policy in charge, with the limits that the operator set for it."""

    name: str
    policy: SchedulerPolicy
    limits: Limits
    interval_s: float
    live_rescheds: bool = False


def load_charge(config: Config, name: str = "") -> Charge:
    """Return the policy ``name``, or the configured one, ready to work.

    :raises PluginError: nobody offers it, or it does not load
    :raises ConfigError: one of its options is unknown or of the wrong type, or it is not to be used
    """
    settings = config.scheduler
    name = name or settings.policy
    config.plugins.check(SCHEDULER, name)
    policy_class = load_driver(group_of(SCHEDULER), name)
    if not issubclass(policy_class, SchedulerPolicy):
        raise PluginError(
            f"load policy {name!r}: {policy_class.__name__} is no SchedulerPolicy; upgrade its package"
        )
    options = option_values(policy_class.options, settings.options.get(name, {}), f"scheduler.{name}")
    context = DriverContext(name=name, location=Path(config.location), settings=options)
    return Charge(
        name=name,
        policy=policy_class(context),
        limits=Limits(settings.max_vms, settings.max_dispatch, settings.max_host),
        interval_s=settings.interval_s,
        live_rescheds=settings.live_rescheds,
    )


def load_apart(name: str, options: Mapping[str, str | int | float | bool], location: str = "") -> Charge:
    """Return a policy as it would work in a cloud, some of its options other than they are configured.

    :param location: the cloud's folder; empty: what ONE_LOCATION names. Without a configuration there, the
        defaults count
    :raises PluginError: nobody offers it, or it does not load
    :raises ConfigError: as :func:`load_charge`
    """
    config = Config.load(location or Location.from_environment())
    configured = config.scheduler.options
    laid_over = {**configured, name: {**configured.get(name, {}), **options}}
    return load_charge(replace(config, scheduler=replace(config.scheduler, options=laid_over)), name)
