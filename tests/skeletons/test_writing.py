"""Each skeleton becomes a package that pip installs, that passes its own tests and works in a core."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from opennebula_core.errors import PluginError
from opennebula_core.skeletons import SKELETON_KINDS, write_package

ROOT = Path(__file__).parents[2]
MAX_CODE_LINES = 50
QUIET = {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
LOOK = """
import json
from opennebula_core.plugins import create_hook_manager, describe_all
print(json.dumps([
    [s.info.kind, s.info.name, s.info.api, s.error, list(s.warnings)]
    for s in describe_all() if s.info.name.startswith("made_")
]))
"""


def run(*words: object, site: Path | None = None, cwd: Path | None = None, mypy_path: str = "") -> str:
    environment = {**os.environ, **QUIET, "MYPYPATH": mypy_path}
    if site is not None:
        environment["PYTHONPATH"] = str(site)
    done = subprocess.run(
        [sys.executable, *map(str, words)], env=environment, cwd=cwd, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("made")
    return {kind: write_package(kind, f"made_{kind}", folder) for kind in SKELETON_KINDS}


@pytest.fixture(scope="module")
def site(packages: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed all of them."""
    builders, target = (tmp_path_factory.mktemp(name) for name in ("builders", "site"))
    install = ("-m", "pip", "install", "--quiet", "--no-deps", "--target")
    run(*install, builders, "setuptools>=70.1")
    run(*install, target, "--no-index", "--no-build-isolation", *packages.values(), site=builders)
    return target


def test_they_load_under_their_names(site: Path) -> None:
    found = {name: rest for _, name, *rest in json.loads(run("-c", LOOK, site=site))}

    assert found == {f"made_{kind}": ["1.0", "", []] for kind in SKELETON_KINDS}


def test_they_pass_their_own_tests(packages: dict[str, Path], site: Path) -> None:
    folders = [path / "tests" for path in packages.values()]
    settings = packages["vmm"] / "pyproject.toml"

    said = run("-m", "pytest", "-q", "-c", settings, "--import-mode=importlib", *folders, site=site)

    assert " passed" in said


def test_they_are_clean(packages: dict[str, Path]) -> None:
    paths = [*packages.values()]
    run("-m", "ruff", "check", *paths)
    run("-m", "ruff", "format", "--check", *paths)
    sources = [path for folder in paths for path in (folder / "src").iterdir() if not path.suffix]
    options = ("--follow-imports=silent", "--ignore-missing-imports", "--config-file", "pyproject.toml")
    run("-m", "mypy", *options, *sources, cwd=paths[0], mypy_path=str(ROOT))


@pytest.mark.parametrize("kind", ["vmm", "tm", "im", "vnm", "datastore", "auth", "scheduler"])
def test_a_driver_has_no_more_than_fifty_lines_of_code(packages: dict[str, Path], kind: str) -> None:
    (module,) = (
        path for path in packages[kind].glob("src/*/*.py") if path.name in ("driver.py", "policy.py")
    )
    assert len(code_lines(module.read_text())) <= MAX_CODE_LINES


def code_lines(text: str) -> set[int]:
    """Return the lines that hold code: neither blank, nor comments, documentation or imports."""
    tree = ast.parse(text)
    documentation = {
        number
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    lines = enumerate(text.splitlines(), 1)
    return {number for number, line in lines if line.split("#")[0].strip()} - documentation


@pytest.mark.parametrize("name", ["", "Paper", "1st", "a-b", "a/../b", "x" * 31])
def test_a_name_that_is_no_word_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PluginError, match="choose another"):
        write_package("vmm", name, tmp_path)
    assert not any(tmp_path.iterdir())


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "vmm_paper").mkdir()

    with pytest.raises(PluginError, match="File exists"):
        write_package("vmm", "paper", tmp_path)
    assert not any((tmp_path / "vmm_paper").iterdir())
