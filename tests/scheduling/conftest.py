from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from opennebula_core.client import Client
from opennebula_core.testing.front_end import FrontEnd, FrontEndServer, serving


@pytest.fixture
def front_end() -> FrontEnd:
    return FrontEnd()


@pytest.fixture
def server(front_end: FrontEnd) -> Iterator[FrontEndServer]:
    with serving(front_end) as server:
        yield server


@pytest.fixture
def client(server: FrontEndServer) -> Iterator[Client]:
    with Client(server.endpoint, "oneadmin:secret", timeout_s=10) as client:
        yield client


@pytest.fixture
def location(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ONE_LOCATION of its own, with the scheduler's credentials."""
    for name in ("ONE_XMLRPC", "ONE_AUTH", "ONE_CIPHER_AUTH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ONE_LOCATION", str(tmp_path))
    secrets = tmp_path / "var" / ".one"
    secrets.mkdir(parents=True)
    (secrets / "sched_auth").write_text("serveradmin:secret\n")
    return tmp_path
