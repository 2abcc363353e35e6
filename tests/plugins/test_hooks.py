from __future__ import annotations

import sys
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from opennebula_core.contracts.deprecation import deprecated
from opennebula_core.contracts.manager import HttpRequest, HttpResponse, ManagerRegistry
from opennebula_core.errors import PluginConflictError, PluginError
from opennebula_core.hookspecs import impl, spec
from opennebula_core.plugins import PluginInfo, create_hook_manager, notify
from opennebula_core.plugins.hooks import HookManager

Install = Callable[..., str]
GROUP = "opennebula.plugins"
AUDIT = """
from opennebula_core.hookspecs import impl

heard = []

@impl
def opennebula_state_changed(change):
    heard.append(change)
"""


def offer(name: str) -> dict[str, dict[str, str]]:
    return {GROUP: {name: "MODULE"}}


def reasons(hooks: HookManager) -> dict[str, str]:
    return {failure.info.name: failure.reason for failure in hooks.failures}


def test_an_installed_plugin_is_called(install: Install) -> None:
    module = install("acme-audit", offer("audit"), AUDIT)
    hooks = create_hook_manager()

    notify(hooks.hook.opennebula_state_changed, change="7")

    assert hooks.plugins["audit"].distribution == "acme-audit"
    assert sys.modules[module].heard == ["7"]


def test_a_disabled_plugin_is_not_even_imported(install: Install) -> None:
    install("acme-audit", offer("audit"), "raise ValueError")

    hooks = create_hook_manager(disabled=["audit"])

    assert "audit" not in hooks.plugins
    assert not hooks.failures


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise ValueError('no licence')", "ValueError: no licence; upgrade acme-broken, or uninstall it"),
        (
            AUDIT.replace("opennebula_state_changed", "opennebula_state_chnged"),
            "there is no hook 'opennebula_state_chnged'; did you mean 'opennebula_state_changed'?",
        ),
        (
            AUDIT.replace("(change)", "(chnage)"),
            "opennebula_state_changed wants 'chnage' but has the arguments change; did you mean 'change'?",
        ),
        (
            AUDIT.replace("(change)", "(**change)"),
            "opennebula_state_changed takes **change; name the arguments that it uses, plainly",
        ),
        (
            AUDIT.replace("@impl", "@impl(wrapper=True)").replace("heard.append(change)", "yield"),
            "opennebula_state_changed is a wrapper, and wrappers are not called; make it a plain hook",
        ),
        (
            AUDIT.replace("def", "async def"),
            "opennebula_state_changed is 'async def' and would never be awaited; make it a plain def",
        ),
        (
            AUDIT.replace("@impl", ""),
            "it implements no hook; mark opennebula_state_changed with @opennebula_core.hookspecs.impl",
        ),
    ],
    ids=["raises", "misspelt hook", "misspelt argument", "catch-all", "wrapper", "coroutine", "unmarked"],
)
def test_a_broken_plugin_is_left_out_with_its_reason_and_the_others_work(
    install: Install, source: str, reason: str
) -> None:
    install("acme-audit", offer("audit"), AUDIT)
    install("acme-broken", offer("broken"), source)

    hooks = create_hook_manager()

    assert {"audit", "broken"} & set(hooks.plugins) == {"audit"}
    assert reasons(hooks)["broken"] == f"load plugin 'broken' of acme-broken 1.2: {reason}"


def test_a_hook_of_a_later_kernel_may_be_marked_optional(install: Install) -> None:
    later = "\n@impl(optionalhook=True)\ndef opennebula_something_of_tomorrow(): ...\n"
    install("acme-audit", offer("audit"), AUDIT + later)

    assert "audit" in create_hook_manager().plugins


def test_of_two_plugins_with_one_name_neither_is_used_and_both_are_named(install: Install) -> None:
    install("acme-audit", offer("audit"), AUDIT)
    install("other-audit", offer("audit"), AUDIT)

    hooks = create_hook_manager()

    assert "audit" not in hooks.plugins
    assert [failure.info.distribution for failure in hooks.failures] == ["acme-audit", "other-audit"]
    assert "acme-audit 1.2 and other-audit 1.2 both offer that name" in hooks.failures[0].reason


def test_a_plugin_cannot_take_the_name_of_a_built_in_manager(install: Install) -> None:
    install("acme-vm", offer("vm"), AUDIT)
    built_in = SimpleNamespace(opennebula_state_changed=impl(lambda: None))

    hooks = create_hook_manager([("vm", built_in)])

    assert hooks.plugins["vm"].distribution == "opennebula-core"
    assert "opennebula-core 0.1.0 and acme-vm 1.2 both offer that name" in reasons(hooks)["vm"]


def test_a_fault_in_a_built_in_manager_is_raised() -> None:
    built_in = SimpleNamespace(opennebula_misspelt=impl(lambda: None))

    with pytest.raises(PluginError, match="there is no hook 'opennebula_misspelt'"):
        create_hook_manager([("vm", built_in)])


def test_a_plugin_made_for_another_kernel_is_left_out(install: Install) -> None:
    install("acme-audit", offer("audit"), AUDIT, requires=["opennebula-core>=9"])

    assert "it needs opennebula-core>=9" in reasons(create_hook_manager())["audit"]


async def answer(request: HttpRequest) -> HttpResponse:
    return HttpResponse(body=request.path.encode())


class Routes:
    """A manager that adds a route, and then fails if told to."""

    def __init__(self, path: str, error: Exception | None = None) -> None:
        self.path, self.error = path, error

    @impl
    def opennebula_register_manager(self, registry: ManagerRegistry) -> None:
        registry.add_route(self.path, answer)
        if self.error is not None:
            raise self.error


ROUTES = """
from opennebula_core.hookspecs import impl
from opennebula_core.contracts.manager import HttpResponse

async def answer(request):
    return HttpResponse()

@impl
def opennebula_register_manager(registry):
    registry.add_route("/early", answer)
    registry.add_route("PATH", answer)

@impl
def opennebula_state_changed(change):
    raise AssertionError("a plugin that was taken out must not be called")
"""


def test_managers_register_in_order_built_in_ones_first(install: Install) -> None:
    install("acme-web", offer("web"), ROUTES.replace("PATH", "/web"))
    registry = ManagerRegistry()

    create_hook_manager([("a", Routes("/a")), ("b", Routes("/b"))]).register_managers(registry)

    assert list(registry.routes) == ["/a", "/b", "/early", "/web"]
    assert registry.owner("route", "/web") == "web"


def test_a_plugin_whose_manager_fails_is_taken_out_with_all_that_it_added(install: Install) -> None:
    install("acme-web", offer("web"), ROUTES.replace("PATH", "/a"))
    registry = ManagerRegistry()
    hooks = create_hook_manager([("a", Routes("/a"))])

    hooks.register_managers(registry)
    notify(hooks.hook.opennebula_state_changed, change="7")

    assert list(registry.routes) == ["/a"]
    assert list(hooks.plugins) == ["a"]
    assert "route '/a' of plugin 'web': plugin 'a' has registered it already" in reasons(hooks)["web"]


def test_a_built_in_manager_that_fails_stops_the_start() -> None:
    hooks = create_hook_manager([("a", Routes("/a")), ("b", Routes("/a"))])

    with pytest.raises(PluginConflictError, match="disable one of them"):
        hooks.register_managers(ManagerRegistry())


class TestAHookThatIsTakenBack:
    class Declarations:
        @spec
        @deprecated(since="1.2", instead="opennebula_vm_placed")
        def opennebula_vm_deployed(self, vm_id: int) -> None:
            """Called once for each VM."""

    class Plugin:
        @impl
        def opennebula_vm_deployed(self, vm_id: int) -> None:
            return None

    def test_is_called_and_told_once_by_the_names_of_plugin_and_replacement(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        hooks = HookManager([self.Declarations])
        hooks.register(PluginInfo("plugins", "acme", "acme-audit", "1.2", "acme"), self.Plugin())

        for _ in range(2):
            notify(hooks.hook.opennebula_vm_deployed, vm_id=7)

        assert caplog.messages == [
            "plugin 'acme' of acme-audit 1.2: opennebula_vm_deployed is deprecated since plugin API 1.2 "
            "and goes with 2.0; use opennebula_vm_placed"
        ]


def test_a_plugin_of_another_api_is_left_out_with_the_reason(install: Install) -> None:
    install("acme-audit", offer("audit"), "raise ValueError", api=["9.0"])

    assert (
        "it is written for plugin API 9.0, and this core has 1.0;" in reasons(create_hook_manager())["audit"]
    )
