from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from opennebula_core.config import Location
from opennebula_core.errors import PluginError
from opennebula_core.wire import descriptions
from opennebula_core.wire.descriptions import Descriptions

Until = Callable[[Callable[[], object]], Awaitable[None]]


@pytest.mark.parametrize(
    ("ending", "said"), [("exec sleep 60", "no answer in 0.5 s"), ("echo odd >&2; exit 1", "odd")]
)
async def test_nothing_is_left_of_a_driver_that_does_not_load(
    location: Location, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Until, ending: str, said: str
) -> None:
    started = tmp_path / "started"
    script = f"sleep 60 >/dev/null 2>&1 & echo $! > {started}; {ending}"
    monkeypatch.setattr(descriptions, "own_command", lambda kind, name: ("sh", "-c", script))
    monkeypatch.setattr(descriptions, "DESCRIBE_S", 0.5)

    with pytest.raises(PluginError, match=said):
        await Descriptions(location).of("vmm", "slow")

    child = Path("/proc", started.read_text().strip(), "stat")
    await until(lambda: _has_ended(child))


def _has_ended(status: Path) -> bool:
    try:
        return ") Z " in status.read_text()
    except OSError:
        return True
