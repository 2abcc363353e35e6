"""python-oca, whose last release of 2016 is in the language of Python 2.

Its copy in the test's environment is converted by ``lib2to3`` of the standard library (up to Python 3.12), as
those do who still use it. Two lines are beyond that tool: a class of ``httplib`` that nothing uses and that
has no successor, and ``new.classobj``, whose place ``type`` has taken.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Cloud, Environment

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]
LIMIT_S = 300
_BY_HAND = {
    "__init__.py": ("class TimeoutHTTP(httplib.HTTP):", "class TimeoutHTTP(object):"),
    "pool.py": ("new.classobj(", "type("),
}


@pytest.fixture(scope="module")
def converted(environment: Callable[..., Environment]) -> Environment:
    """oca 4.10 in the Python of today."""
    made = environment("oca==4.10.0")
    (folder,) = made.folder.glob("lib/python*/site-packages/oca")
    for name, (before, after) in _BY_HAND.items():
        file = folder / name
        text = file.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{name}: {before}"
        file.write_text(text.replace(before, after).replace("import new\n", ""), encoding="utf-8")
    run(made, "-W", "ignore", "-m", "lib2to3", "--write", "--nobackups", "--no-diffs", str(folder))
    return made


def run(environment: Environment, *arguments: str, variables: dict[str, str] | None = None) -> None:
    """Run the environment's Python."""
    command = [environment.program("python"), *arguments]
    done = subprocess.run(
        command, env=variables, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_classes_live_a_whole_life(cloud: Cloud, converted: Environment) -> None:
    run(converted, str(Path(__file__).with_name("oca_life.py")), variables=cloud.environment)
    for listing in ("onevm", "onevnet", "onetemplate", "oneimage"):
        assert cloud.shell.rows(f"{listing} list") == []
