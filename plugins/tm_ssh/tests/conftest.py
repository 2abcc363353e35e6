from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from opennebula_core.contracts.driver import DriverContext
from opennebula_core.contracts.tm import Transfer
from opennebula_core.testing.pretend_hosts import NotedReport, PretendHosts, running_hosts
from opennebula_tm_ssh import SshTransferDriver


@pytest.fixture(scope="session")
def all_hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PretendHosts]:
    with running_hosts(tmp_path_factory.mktemp("hosts")) as hosts:
        yield hosts


@pytest.fixture
def hosts(all_hosts: PretendHosts) -> Iterator[PretendHosts]:
    """The machines, with nothing on them."""
    yield all_hosts
    all_hosts.clean()


@pytest.fixture
async def driver(hosts: PretendHosts, tmp_path: Path) -> AsyncIterator[SshTransferDriver]:
    opened = SshTransferDriver(DriverContext("ssh", tmp_path, {"ssh_config": hosts.ssh_config}))
    yield opened
    await opened.close()


@pytest.fixture
def report() -> NotedReport:
    return NotedReport()


@pytest.fixture
def transfer(hosts: PretendHosts, report: NotedReport) -> Transfer:
    return Transfer(vm_id=hosts.vm_id, datastore_id=0, report=report)
