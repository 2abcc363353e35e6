"""Finding drivers and policies by the names under which installed packages offer them."""

from __future__ import annotations

import importlib.metadata
import inspect
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Final, Self

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion
from stevedore import DriverManager, ExtensionManager

import opennebula_core
from opennebula_core.contracts.auth import AuthDriver
from opennebula_core.contracts.datastore import DatastoreDriver
from opennebula_core.contracts.deprecation import deprecated_overrides
from opennebula_core.contracts.driver import Driver
from opennebula_core.contracts.im import ImDriver
from opennebula_core.contracts.kinds import CLI, PLUGINS, SCHEDULER, kind_of
from opennebula_core.contracts.plugin_api import PLUGIN_API_GROUP, UNDECLARED, misfit
from opennebula_core.contracts.scheduler import SchedulerPolicy
from opennebula_core.contracts.tm import TmDriver
from opennebula_core.contracts.vmm import VmmDriver
from opennebula_core.contracts.vnm import VnmDriver
from opennebula_core.errors import DriverNotFoundError, PluginConflictError, PluginError
from opennebula_core.plugins.description import Description, actions_of, options_of

LOG = logging.getLogger(__name__)
KERNEL: Final = "opennebula-core"
CONTRACTS: Final[dict[str, type]] = {
    "vmm": VmmDriver,
    "tm": TmDriver,
    "im": ImDriver,
    "vnm": VnmDriver,
    "datastore": DatastoreDriver,
    "auth": AuthDriver,
    "ipam": Driver,
    SCHEDULER: SchedulerPolicy,
}
"""The class from which the plugins of a kind descend."""


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """One extension of one installed package, as its metadata tells; nothing is imported for it.

    :param name: what an administrator writes, such as ``kvm``
    :param target: where it is, ``module:Class`` or ``module``
    :param api: the versions of the plugin API that its package is written for, joined by blanks
    """

    kind: str
    name: str
    distribution: str
    version: str
    target: str
    api: str = UNDECLARED

    @classmethod
    def of(cls, entry: EntryPoint) -> Self:
        """Return what the metadata says of an entry point."""
        found = entry.dist
        name, version = (found.name, found.version) if found is not None else ("unknown", "")
        api = " ".join(declared_api(entry)) or UNDECLARED
        return cls(kind_of(entry.group), entry.name, name, version, entry.value, api)

    @classmethod
    def built_in(cls, kind: str, name: str, plugin: object) -> Self:
        """Return what is to be said of something that is part of the kernel."""
        target = getattr(plugin, "__name__", type(plugin).__module__)
        return cls(kind, name, KERNEL, opennebula_core.__version__, target)

    @property
    def title(self) -> str:
        """What it is, and of which package, for messages."""
        noun = {PLUGINS: "plugin", CLI: "command group"}.get(self.kind, f"{self.kind} plugin")
        return f"{noun} {self.name!r} of {self.source}"

    @property
    def source(self) -> str:
        """The package and its version, for messages."""
        return f"{self.distribution} {self.version}".rstrip()


def entry_points(group: str) -> list[EntryPoint]:
    """Return the entry points of a group in the order of their names, those of equal names by package."""
    found = importlib.metadata.entry_points(group=group)
    unique = {(entry.name, PluginInfo.of(entry).distribution, entry.value): entry for entry in found}
    return [unique[key] for key in sorted(unique)]


def installed(group: str) -> list[PluginInfo]:
    """Return what is installed in a group, without importing any of it."""
    return [PluginInfo.of(entry) for entry in entry_points(group)]


def load_driver(group: str, name: str) -> type:
    """Import and return the class that is installed under ``name``.

    Called only in the process in which the class shall work, never in ``oned``.

    :param group: such as ``opennebula.vmm``
    :raises DriverNotFoundError: nobody offers the name; the message lists the names that there are
    :raises PluginConflictError: two packages offer it; the message names both
    :raises PluginError: it cannot be imported, does not keep the contract, or wants another kernel
    """
    candidates = entry_points(group)
    matching = [entry for entry in candidates if entry.name == name]
    if not matching:
        raise DriverNotFoundError(group, name, {entry.name for entry in candidates})
    if len(matching) > 1:
        raise conflict(group, name, [PluginInfo.of(entry) for entry in matching])
    info = PluginInfo.of(matching[0])
    check_requirement(matching[0])
    # stevedore keeps scans in a file that is keyed on file times of a coarse grain: a package that was
    # installed a moment ago may be missing there, so it is given the scan that was just made.
    ExtensionManager.ENTRY_POINT_CACHE[group] = candidates
    try:
        manager: DriverManager[type] = DriverManager(group, name, on_missing_entrypoints_callback=None)
    except (Exception, SystemExit) as error:  # the border to foreign code: importing runs it
        raise import_error(info, error) from error
    plugin = manager.extensions[0].plugin
    _check_contract(info, plugin)
    for text in deprecated_overrides(plugin, CONTRACTS.get(info.kind, object)):
        LOG.warning("%s: %s", info.title, text)
    return plugin


def describe(group: str, name: str) -> Description:
    """Load a driver or policy and return what it says of itself.

    :raises PluginError: see :func:`load_driver`
    """
    plugin = load_driver(group, name)
    info = next(item for item in installed(group) if item.name == name)
    return Description(
        info.kind,
        info.name,
        info.distribution,
        info.version,
        info.target,
        actions_of(info.kind, plugin),
        options_of(plugin),
        str(getattr(plugin, "transfer_driver", "")),
        tuple(deprecated_overrides(plugin, CONTRACTS.get(info.kind, object))),
    )


def conflict(group: str, name: str, offers: Iterable[PluginInfo]) -> PluginConflictError:
    """Return the error that names the packages which offer the same name."""
    sources = " and ".join(offer.source for offer in offers)
    return PluginConflictError(
        f"load {name!r} of {group}: {sources} both offer that name, none of them is used; uninstall one"
    )


def import_error(info: PluginInfo, error: BaseException) -> PluginError:
    """Return the error that says why a plugin's module could not be imported, and the way out."""
    remedy = f"upgrade {info.distribution}, or uninstall it"
    missing = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if missing and missing != info.target.partition(".")[0]:
        remedy = f"install {missing!r}, or upgrade or uninstall {info.distribution}"
    # One line of what can be shown: it is told by the last line of a process, and in hosts' ERROR.
    said = " ".join("".join(c if c.isprintable() else " " for c in str(error)).split())
    reason = f"{type(error).__name__}: {said}".rstrip(": ")
    return PluginError(f"load {info.title}: {reason}; {remedy}")


def declared_api(entry: EntryPoint) -> list[str]:
    """Return the versions of the plugin API that the package of an entry point says it is written for."""
    if entry.dist is None:
        return []
    return sorted(entry.dist.entry_points.select(group=PLUGIN_API_GROUP).names)


def check_requirement(entry: EntryPoint) -> None:
    """Make sure that this kernel is one that the plugin's package says it works with.

    :raises PluginError: it is not; the message has both versions
    """
    if reason := misfit(declared_api(entry)):
        info = PluginInfo.of(entry)
        raise PluginError(
            f"load {info.title}: {reason}; install a release of {info.distribution} for it, "
            f"or another release of {KERNEL}"
        )
    for text in (entry.dist.requires if entry.dist is not None else None) or ():
        try:
            requirement = Requirement(text)
            applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            if not applies or canonicalize_name(requirement.name) != KERNEL:
                continue
            fits = requirement.specifier.contains(opennebula_core.__version__, prereleases=True)
        except (InvalidRequirement, InvalidVersion):
            continue
        if not fits:
            info = PluginInfo.of(entry)
            raise PluginError(
                f"load {info.title}: it needs {KERNEL}"
                f"{requirement.specifier}, and {opennebula_core.__version__} is installed; "
                f"install a release of {info.distribution} for it, or upgrade {KERNEL}"
            )


def _check_contract(info: PluginInfo, plugin: object) -> None:
    contract = CONTRACTS.get(info.kind)
    where = f"load {info.title}: {info.target}"
    if contract is None:
        return
    if not inspect.isclass(plugin) or not issubclass(plugin, contract):
        raise PluginError(
            f"{where} is no subclass of {contract.__module__}.{contract.__name__}; derive it from that"
        )
    if missing := sorted(getattr(plugin, "__abstractmethods__", ())):
        raise PluginError(
            f"{where} does not define {', '.join(missing)}; every {info.kind} driver has these methods"
        )
