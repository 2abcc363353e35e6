from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from opennebula_core.config import Config, Location
from opennebula_core.contracts.deprecation import deprecated
from opennebula_core.contracts.driver import Option
from opennebula_core.contracts.scheduler import SchedulerPolicy
from opennebula_core.errors import DriverNotFoundError, PluginConflictError, PluginError
from opennebula_core.plugins import Description, PluginInfo, describe, installed, load_driver
from opennebula_core.scheduling.loading import load_charge

GROUP = "opennebula.scheduler"
POLICY = """
from opennebula_core.contracts.scheduler import SchedulerPolicy
from opennebula_core.contracts.driver import Option

class Policy(SchedulerPolicy):
    options = (Option("weight", float, 1.5, "how much"),)

    def rank(self, vm, hosts, round):
        return [1.0 for host in hosts]
"""
Install = Callable[..., str]


def offer(name: str, target: str = "MODULE:Policy", group: str = GROUP) -> dict[str, dict[str, str]]:
    return {group: {name: target}}


def failure(group: str, name: str) -> str:
    with pytest.raises(PluginError) as caught:
        load_driver(group, name)
    return str(caught.value)


def test_a_class_is_loaded_by_its_name(install: Install) -> None:
    module = install("acme-sched", offer("acme"), POLICY)

    policy = load_driver(GROUP, "acme")

    assert policy.__module__ == module
    assert issubclass(policy, SchedulerPolicy)


def test_what_is_installed_is_told_without_importing_it(install: Install) -> None:
    module = install("acme-sched", offer("acme"), POLICY)

    assert PluginInfo("scheduler", "acme", "acme-sched", "1.2", f"{module}:Policy") in installed(GROUP)
    assert module not in sys.modules


def test_a_package_that_is_installed_later_is_found(install: Install) -> None:
    assert "no driver 'late'" in failure(GROUP, "late")

    install("acme-late", offer("late"), POLICY)

    assert load_driver(GROUP, "late").__name__ == "Policy"


def test_a_missing_driver_is_answered_with_the_names_that_there_are(install: Install) -> None:
    install("acme-sched", offer("acme"), POLICY)

    with pytest.raises(DriverNotFoundError) as caught:
        load_driver(GROUP, "acne")

    assert "acme" in caught.value.known
    assert "dummy" in caught.value.known
    assert str(caught.value).startswith("no driver 'acne' in opennebula.scheduler: installed are acme, ")


def test_two_packages_with_one_name_are_both_named_and_neither_is_imported(install: Install) -> None:
    modules = [install(name, offer("acme"), POLICY) for name in ("acme-sched", "other-sched")]

    with pytest.raises(PluginConflictError) as caught:
        load_driver(GROUP, "acme")

    assert str(caught.value) == (
        "load 'acme' of opennebula.scheduler: acme-sched 1.2 and other-sched 1.2 both offer that name, "
        "none of them is used; uninstall one"
    )
    assert not set(modules) & set(sys.modules)


def test_a_conflict_leaves_other_names_alone(install: Install) -> None:
    install("acme-sched", offer("acme"), POLICY)
    install("other-sched", {GROUP: {"acme": "MODULE:Policy", "other": "MODULE:Policy"}}, POLICY)

    assert load_driver(GROUP, "other").__name__ == "Policy"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise ValueError('no licence')", "ValueError: no licence; upgrade acme-sched, or uninstall it"),
        (
            "raise ValueError('no\\nlicence \\x1b[31m')",
            "ValueError: no licence [31m; upgrade acme-sched, or uninstall it",
        ),
        ("import sys; sys.exit('bye')", "SystemExit: bye; upgrade acme-sched, or uninstall it"),
        ("assert False", "AssertionError; upgrade acme-sched, or uninstall it"),
        (
            "import absent.deep",
            "ModuleNotFoundError: No module named 'absent'; install 'absent', "
            "or upgrade or uninstall acme-sched",
        ),
        ("x = 1", "has no attribute 'Policy'; upgrade acme-sched, or uninstall it"),
    ],
    ids=["raises", "raises in lines", "exits", "asserts", "misses a module", "misses the class"],
)
def test_a_driver_that_cannot_be_imported_is_named_with_the_reason(
    install: Install, source: str, reason: str
) -> None:
    install("acme-sched", offer("acme"), source)

    message = failure(GROUP, "acme")

    assert message.startswith("load scheduler plugin 'acme' of acme-sched 1.2: ")
    assert message.endswith(reason)


def test_a_class_of_another_kind_is_refused(install: Install) -> None:
    install("acme-tm", offer("acme", group="opennebula.tm"), POLICY)

    assert failure("opennebula.tm", "acme").endswith(
        "Policy is no subclass of opennebula_core.contracts.tm.TmDriver; derive it from that"
    )


def test_a_class_without_all_methods_of_its_contract_is_refused(install: Install) -> None:
    source = "from opennebula_core.contracts.vmm import VmmDriver\nclass Policy(VmmDriver): pass\n"
    install("acme-vmm", offer("acme", group="opennebula.vmm"), source)

    assert "does not define cancel, deploy, poll, shutdown;" in failure("opennebula.vmm", "acme")


@pytest.mark.parametrize("kernel", ["OpenNebula.Core>=9.0,<10", "opennebula-core<0.1"])
def test_a_package_made_for_another_kernel_is_refused(install: Install, kernel: str) -> None:
    module = install("acme-sched", offer("acme"), POLICY, requires=["tabulate", kernel])

    message = failure(GROUP, "acme")

    assert "it needs opennebula-core" in message
    assert "0.1.0 is installed; install a release of acme-sched for it, or upgrade opennebula-core" in message
    assert module not in sys.modules


def test_a_package_made_for_this_kernel_is_welcome(install: Install) -> None:
    requires = ["opennebula-core[ssh]>=0.1,<0.2", 'opennebula-core>=9; extra == "next"']
    install("acme-sched", offer("acme"), POLICY, requires=requires)

    assert load_driver(GROUP, "acme").__name__ == "Policy"


def test_a_policy_is_described_by_the_steps_that_it_overrides(install: Install) -> None:
    module = install("acme-sched", offer("acme"), POLICY)

    assert describe(GROUP, "acme") == Description(
        "scheduler",
        "acme",
        "acme-sched",
        "1.2",
        f"{module}:Policy",
        ("rank",),
        (Option("weight", float, 1.5, "how much"),),
    )


@pytest.mark.parametrize(
    ("api", "reason"),
    [(["2.0"], "it is written for plugin API 2.0, and this core has 1.0"), (["new"], "'new' is no version")],
)
def test_a_package_made_for_another_plugin_api_is_refused_unread(
    install: Install, api: list[str], reason: str
) -> None:
    module = install("acme-sched", offer("acme"), POLICY, api=api)

    message = failure(GROUP, "acme")

    assert message.startswith(f"load scheduler plugin 'acme' of acme-sched 1.2: {reason}")
    assert module not in sys.modules


def test_a_package_for_several_plugin_apis_is_welcome_where_one_fits(install: Install) -> None:
    install("acme-sched", offer("acme"), POLICY, api=["1.0", "2.0"])

    assert load_driver(GROUP, "acme").__name__ == "Policy"
    assert next(info.api for info in installed(GROUP) if info.name == "acme") == "1.0 2.0"


def test_a_step_that_is_taken_back_is_told_at_load_and_in_the_description(
    install: Install, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    install("acme-sched", offer("acme"), POLICY)
    mark = deprecated(since="1.1", instead="decide")
    monkeypatch.setattr(SchedulerPolicy, "rank", mark(lambda self, vm, hosts, round: []))

    described = describe(GROUP, "acme")

    said = "rank is deprecated since plugin API 1.1 and goes with 2.0; use decide"
    assert described.warnings == (said,)
    assert Description.from_json(described.to_json()) == described
    assert caplog.messages == [f"scheduler plugin 'acme' of acme-sched 1.2: {said}"]


def test_two_versions_of_a_policy_stand_side_by_side_under_two_names(
    install: Install, tmp_path: Path
) -> None:
    install("acme-sched", offer("acme"), POLICY)
    install("acme-sched-next", offer("acme-next"), POLICY.replace("1.5", "2.5"))
    config = Config.parse(
        '[scheduler]\npolicy = "acme"\n[scheduler.acme-next]\nweight = 9.5', Location.at(tmp_path)
    )

    now, after = (load_charge(config, name).policy for name in ("", "acme-next"))

    assert (now.setting("weight"), after.setting("weight")) == (1.5, 9.5)
