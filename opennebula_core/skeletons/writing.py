"""From a skeleton to a package."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final

import opennebula_core
from opennebula_core.contracts.plugin_api import PLUGIN_API
from opennebula_core.errors import PluginError
from opennebula_core.skeletons.kinds import SKELETONS, Skeleton

SKELETON_KINDS: Final = tuple(SKELETONS)
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,29}")
_COMMON: Final[Mapping[str, str]] = {
    "pyproject.toml": "common/pyproject.toml.in",
    "README.md": "common/README.md.in",
    "PACKAGE/__init__.py": "common/__init__.py.in",
}


def write_package(kind: str, name: str, parent: Path) -> Path:
    """Write a package that offers ``name`` into a new folder below ``parent``, and return the folder.

    :raises PluginError: the name cannot be used, or the folder is there
    """
    if not _NAME.fullmatch(name):
        raise PluginError(
            f"make {kind} plugin {name!r}: its name has to be a word of small letters, digits and '_', "
            f"such as 'paper'; choose another"
        )
    skeleton = SKELETONS[kind]
    words = _words(skeleton, name)
    folder = parent / f"{skeleton.word}_{name}"
    try:
        folder.mkdir(parents=True)
        for target, source in {**_COMMON, **skeleton.files}.items():
            path = folder / target.replace("PACKAGE", f"src/{words['PACKAGE']}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_filled(_template(source), words), encoding="utf-8")
        (folder / "src" / words["PACKAGE"] / "py.typed").touch()
    except OSError as error:
        raise PluginError(f"make {folder}: {error}; choose another name or folder") from error
    return folder


def _template(source: str) -> str:
    return files("opennebula_core.skeletons").joinpath(source).read_text(encoding="utf-8")


def _filled(text: str, words: Mapping[str, str]) -> str:
    """Put the words into a text; they may hold further ones, such as the name in a sentence."""
    while found := re.search(r"@([A-Z_]+)@", text):
        text = text.replace(found[0], words[found[1]])
    return text


def _words(skeleton: Skeleton, name: str) -> dict[str, str]:
    package = f"opennebula_{skeleton.word}_{name}"
    title = "".join(part.title() for part in name.split("_"))
    class_name = title + skeleton.suffix
    return {
        "NAME": name,
        "PACKAGE": package,
        "DISTRIBUTION": package.replace("_", "-"),
        "CLASS": class_name,
        "TITLE": title,
        "MODULE": skeleton.module,
        "KIND": skeleton.kind,
        "SUMMARY": skeleton.summary,
        "ABOUT": skeleton.about,
        "USE": skeleton.use,
        "CONTRACT": skeleton.contract,
        "TEST_IMPORTS": "\n".join(
            sorted(
                (
                    "from opennebula_core.testing.drivers import driver_context",
                    f"from opennebula_core.testing.{skeleton.kind} import {skeleton.contract}",
                )
            )
        ),
        "API": str(PLUGIN_API),
        "CORE": opennebula_core.__version__,
        "ENTRY_POINTS": _entry_points(skeleton, name, package, class_name),
    }


def _entry_points(skeleton: Skeleton, name: str, package: str, class_name: str) -> str:
    is_plugin = skeleton.kind == "plugins"
    target = f"{package}.{skeleton.module}:PLUGIN" if is_plugin else f"{package}:{class_name}"
    lines = [f'[project.entry-points."opennebula.{skeleton.kind}"]', f'{name} = "{target}"']
    if "PACKAGE/monitor.py" in skeleton.files:
        monitor = class_name.removesuffix(skeleton.suffix) + "Monitor"
        lines += ["", '[project.entry-points."opennebula.im"]', f'{name} = "{package}.monitor:{monitor}"']
    if "PACKAGE/commands.py" in skeleton.files:
        lines += ["", '[project.entry-points."opennebula.cli"]', f'{name} = "{package}.commands:commands"']
    return "\n".join(lines)
