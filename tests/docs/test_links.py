from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def pages() -> list[Path]:
    """Return every page that is part of the project."""
    named = (path for folder in (".", "docs", "plugins", "bench") for path in (ROOT / folder).glob("*.md"))
    deep = (path for pattern in ("docs/**/*.md", "plugins/*/*.md") for path in ROOT.glob(pattern))
    return sorted({*named, *deep})


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page}: {link}"
        assert not anchor or anchor in anchors(target), f"{page}: {link}"


@pytest.mark.parametrize("goal", ["run", "stop", "setup", "test", "check", "bench"])
def test_the_makefile_knows_its_goals(goal: str) -> None:
    done = subprocess.run(["make", "--dry-run", goal], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
