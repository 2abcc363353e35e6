"""The page goes through installing and removing a package, in an environment that may be changed."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.typed import DOCS, commands, typed

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

PROGRAMS = ("one", "oned", "onesched", "onedriver", "onehost", "onevm", "onedatastore")


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    """Programs of an environment that has all that this one has, and can have more."""
    folder = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (ours,) = [path for path in site.getsitepackages() if path.endswith("site-packages")]
    (packages / "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    bin_folder = folder / "bin"
    for name in PROGRAMS:
        text = (Path(sys.executable).parent / name).read_text().partition("\n")[2]
        (bin_folder / name).write_text(f"#!{bin_folder}/python\n{text}")
    (bin_folder / "pip").write_text(
        f'#!/bin/sh\nexec {sys.executable} -m pip --python {bin_folder}/python "$@"\n'
    )
    for path in bin_folder.iterdir():
        if not path.is_symlink():
            path.chmod(0o755)
    builders = [str(bin_folder / "pip"), "install", "--quiet", "setuptools>=69", "wheel"]
    subprocess.run(builders, check=True, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    return bin_folder


def test_every_command_of_the_page_works(
    tmp_path: Path, bin_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(DOCS / "plugins/examples/paper", tmp_path / "paper")
    monkeypatch.chdir(tmp_path)
    # Nothing is to be had from an index: pip's word for "no build isolation" is a 0.
    pip = {"PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

    said = typed(commands(DOCS / "plugins-in-use.md"), tmp_path, bin_folder, **pip)

    assert "no driver 'paper' in opennebula." in said
    assert "letter,runn" in said
