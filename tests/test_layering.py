"""The direction of imports: a room imports only rooms above it, foreign packages only where they belong."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
KERNEL = "opennebula_core"
ROOMS = (
    "errors",
    "model",
    "xml",
    "contracts",
    "remote",
    "hookspecs",
    "config",
    "plugins",
    "wire",
    "dummy",
    "client",
    "documents",
    "db",
    "plans",
    "managers",
    "api",
    "scheduling",
    "daemon",
    "skeletons",
    "cli",
    "testing",
)
"""From top to bottom: a room may import those before it."""

ONLY = {
    "client": {"errors", "model", "xml"},
    "documents": {"errors", "model", "xml", "contracts"},
    "errors": set[str](),
    "model": {"errors"},
    "xml": {"errors", "model"},
}
"""Rooms that are held to less than their place in the order would allow."""

NEVER = {
    "scheduling": {"db", "plans", "managers", "api", "documents"},
    "cli": {"plans", "managers", "api"},
}
"""What a room does not import although it comes before it: these are separate processes."""

HOMES = {
    "peewee": ("db",),
    "playhouse": ("db",),
    "xmltodict": ("xml",),
    "asyncssh": ("remote/ssh",),
    "pluggy": ("hookspecs", "plugins"),
    "stevedore": ("plugins",),
    "packaging": ("plugins",),
    "click": ("cli", "scheduling/process", "scheduling/commands", "testing"),
    "uvicorn": ("api",),
    "httptools": ("api",),
    "highspy": ("scheduling/rebalancing/exact",),
    "pytest": ("testing",),
    "pytest_asyncio": ("testing",),
    "cryptography": ("model", "client", "api", "managers", "scheduling", "cli/doctor", "testing"),
}
"""Where each foreign package may be imported: rooms, or a module of one; any other package nowhere."""

FOR_PLUGINS = {"errors", "model", "xml", "contracts", "remote", "hookspecs", "testing"}
FOR_SCHEDULERS = FOR_PLUGINS | {"client", "scheduling"}
FOR_MANAGERS = FOR_PLUGINS | {"db", "documents", "client", "cli"}
DATABASE_COMMANDS = {"opennebula_core.cli.db"}
"""The only part of the command line that opens the database."""


@dataclass(frozen=True)
class Import:
    """An import statement: in which module, of what, where."""

    importer: str
    imported: str
    line: int
    is_inside_function: bool

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}"


def module_name(path: Path, base: Path) -> str:
    parts = path.relative_to(base).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules(base: Path, package: str) -> dict[str, Path]:
    return {module_name(path, base): path for path in sorted((base / package).rglob("*.py"))}


def imports_of(base: Path, package: str) -> Iterator[Import]:
    """Give every import of a package's modules, those for type checkers only too."""
    known = {**modules(ROOT, KERNEL), **modules(base, package)}
    for name, path in modules(base, package).items():
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        inside = {
            id(node)
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            for node in ast.walk(function)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                targets = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                targets = _from_targets(node, name, path, known)
            else:
                continue
            for target in targets:
                yield Import(name, target, node.lineno, id(node) in inside)


def _from_targets(node: ast.ImportFrom, name: str, path: Path, known: dict[str, Path]) -> list[str]:
    origin = node.module or ""
    if node.level:
        package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
        kept = package[: len(package) - node.level + 1]
        origin = ".".join((*kept, origin)).rstrip(".")
    return [f"{origin}.{alias.name}" if f"{origin}.{alias.name}" in known else origin for alias in node.names]


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def top(module: str) -> str:
    return module.partition(".")[0]


def names(imports: list[Import]) -> str:
    return "\n".join(str(found) for found in imports)


@cache
def kernel_imports() -> tuple[Import, ...]:
    return tuple(imports_of(ROOT, KERNEL))


def inside_kernel() -> list[Import]:
    return [found for found in kernel_imports() if top(found.imported) == KERNEL]


def test_every_part_of_the_kernel_belongs_to_a_room() -> None:
    rooms = {room_of(module) for module in modules(ROOT, KERNEL)} - {""}

    assert rooms <= set(ROOMS)


def test_a_room_imports_only_rooms_above_it() -> None:
    place = {room: index for index, room in enumerate(ROOMS)}
    upward = [
        found
        for found in inside_kernel()
        if room_of(found.imported)
        and room_of(found.importer) != room_of(found.imported)
        and place[room_of(found.imported)] > place.get(room_of(found.importer), -1)
    ]

    assert not upward, names(upward)


@pytest.mark.parametrize("room", ONLY)
def test_a_modest_room_imports_only_what_it_may(room: str) -> None:
    too_much = [
        found
        for found in inside_kernel()
        if room_of(found.importer) == room and room_of(found.imported) not in ONLY[room] | {room, ""}
    ]

    assert not too_much, names(too_much)


@pytest.mark.parametrize("room", NEVER)
def test_a_process_of_its_own_does_not_reach_into_the_core(room: str) -> None:
    reaching = [
        found
        for found in inside_kernel()
        if room_of(found.importer) == room and room_of(found.imported) in NEVER[room]
    ]

    assert not reaching, names(reaching)


def test_only_one_group_of_commands_opens_the_database() -> None:
    opening = [
        found
        for found in inside_kernel()
        if room_of(found.importer) == "cli"
        and room_of(found.imported) == "db"
        and found.importer not in DATABASE_COMMANDS
    ]

    assert not opening, names(opening)


def test_foreign_packages_are_imported_only_where_they_belong() -> None:
    strangers = [
        found
        for found in kernel_imports()
        if top(found.imported) not in (*sys.stdlib_module_names, KERNEL)
        and not any(
            found.importer.removeprefix(f"{KERNEL}.").replace(".", "/").startswith(home)
            for home in HOMES.get(top(found.imported), ())
        )
    ]

    assert not strangers, names(strangers)


def test_the_kernel_knows_no_plugin() -> None:
    known = [found for found in kernel_imports() if top(found.imported).startswith("opennebula_")]
    plugins = [found for found in known if top(found.imported) != KERNEL]

    assert not plugins, names(plugins)


def test_nothing_is_imported_inside_a_function() -> None:
    hidden = [found for found in kernel_imports() if found.is_inside_function]
    for package, base in plugin_packages().items():
        hidden += [found for found in imports_of(base, package) if found.is_inside_function]

    assert not hidden, names(hidden)


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    edges: dict[str, set[str]] = {}
    for found in inside_kernel():
        if found.importer != found.imported:
            edges.setdefault(found.importer, set()).add(found.imported)

    assert not find_circle(edges)


def find_circle(edges: dict[str, set[str]]) -> list[str]:
    """Return the modules of one circle, empty when there is none."""
    done: set[str] = set()

    def walk(module: str, way: list[str]) -> list[str]:
        if module in way:
            return [*way[way.index(module) :], module]
        if module in done:
            return []
        for target in sorted(edges.get(module, ())):
            if circle := walk(target, [*way, module]):
                return circle
        done.add(module)
        return []

    return next((circle for module in sorted(edges) if (circle := walk(module, []))), [])


def test_a_circle_would_be_found() -> None:
    assert find_circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]


def plugin_packages() -> dict[str, Path]:
    return {
        path.name: path.parent
        for path in sorted((ROOT / "plugins").glob("*/src/opennebula_*"))
        if path.is_dir()
    }


def allowed_to(package: str) -> set[str]:
    if package.startswith("opennebula_sched_"):
        return FOR_SCHEDULERS
    kinds = ("vmm", "tm", "im", "vnm", "datastore", "auth", "ipam")
    is_driver = package.split("_")[1] in kinds
    return FOR_PLUGINS if is_driver else FOR_MANAGERS


def packages() -> list[str]:
    found = {path.name for path in (ROOT / "plugins").glob("*/src/opennebula_*")}
    return sorted(name for name in found if not name.endswith(".egg-info"))


@pytest.mark.parametrize("package", packages())
def test_a_plugin_imports_of_the_kernel_only_what_is_meant_for_plugins(package: str) -> None:
    base = plugin_packages()[package]
    private = [
        found
        for found in imports_of(base, package)
        if top(found.imported) == KERNEL and room_of(found.imported) not in {"", *allowed_to(package)}
    ]

    assert not private, names(private)


@pytest.mark.parametrize("package", packages())
def test_a_plugin_imports_no_other_plugin(package: str) -> None:
    others = [
        found
        for found in imports_of(plugin_packages()[package], package)
        if top(found.imported).startswith("opennebula_") and top(found.imported) not in (KERNEL, package)
    ]

    assert not others, names(others)
