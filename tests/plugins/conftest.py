from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

SERIAL = itertools.count(1)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Install packages for this test only, in this process and in those that it starts, as pip would.

    It returns the name of the package's module, for which ``MODULE`` stands in what it is given.
    """
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def install(
        distribution: str,
        entry_points: Mapping[str, Mapping[str, str]],
        source: str,
        *,
        requires: Sequence[str] = (),
        api: Sequence[str] = (),
    ) -> str:
        module = f"plugin_under_test_{next(SERIAL)}"
        (tmp_path / f"{module}.py").write_text(source.replace("MODULE", module))
        info = tmp_path / f"{distribution.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        lines = [f"Requires-Dist: {requirement}" for requirement in requires]
        (info / "METADATA").write_text(
            "\n".join(("Metadata-Version: 2.1", f"Name: {distribution}", "Version: 1.2", *lines, ""))
        )
        groups = [
            f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in names.items())
            for group, names in {
                **entry_points,
                "opennebula.plugin_api": dict.fromkeys(api, module),
            }.items()
        ]
        (info / "entry_points.txt").write_text("\n".join(groups).replace("MODULE", module))
        importlib.invalidate_caches()
        return module

    yield install
    monkeypatch.undo()
    importlib.invalidate_caches()
