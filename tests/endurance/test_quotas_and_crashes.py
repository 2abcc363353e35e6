"""A user's VMs come and go at his limits while the daemon is killed: what is counted is what there is."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from opennebula_core.client import Client
from opennebula_core.db import maintenance
from opennebula_core.errors import AuthorizationError, OpenNebulaError
from opennebula_core.testing.ports import free_port
from tests.endurance.test_many_crashes import CONFIGURATION, MortalCloud

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

LIMIT, CALLERS, DEATHS = 12, 3, 6
TEMPLATE = "NAME=web\nCPU=0.01\nMEMORY=1\nDISK=[TYPE=fs,SIZE=1]\nNIC=[NETWORK_ID={}]\n"


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[MortalCloud]:
    (tmp_path / "etc").mkdir()
    port = free_port()
    (tmp_path / "etc/oned.toml").write_text(CONFIGURATION.format(port=port))
    (tmp_path / "one_auth").write_text("oneadmin:secret\n")
    cloud = MortalCloud(tmp_path, port)
    cloud.start()
    yield cloud
    if cloud.process.poll() is None:
        cloud.stop()


def test_deaths_of_the_daemon_lose_and_invent_nothing_that_is_counted(cloud: MortalCloud) -> None:
    chance = random.Random(3)
    client = cloud.client
    client.call("one.host.allocate", "h1", "dummy", "dummy", -1)
    user_id = client.integer("one.user.allocate", "alice", "secret", "", [1])
    network = "NAME=net\nVN_MAD=dummy\nBRIDGE=br0\nAR=[TYPE=IP4,IP=10.0.0.2,SIZE=250]\n"
    network_id = client.integer("one.vn.allocate", network, -1)
    client.call("one.user.quota", user_id, f"VM=[VMS={LIMIT}]\nNETWORK=[ID={network_id},LEASES={LIMIT}]")
    ending = threading.Event()
    seeds = [chance.random() for _ in range(CALLERS)]
    refusals: list[str] = []
    callers = [
        threading.Thread(target=_use, args=(cloud, network_id, seed, ending, refusals)) for seed in seeds
    ]
    for caller in callers:
        caller.start()
    for _ in range(DEATHS):
        time.sleep(0.4 + chance.random())
        cloud.kill()
        assert _miscounted(cloud) == []
        cloud.start()
    ending.set()
    for caller in callers:
        caller.join()

    user = cloud.client.element("one.user.info", user_id)
    cloud.stop()
    assert refusals, "the limit was never reached"
    for path in ("VM_QUOTA/VM/VMS_USED", "NETWORK_QUOTA/NETWORK/LEASES_USED"):
        assert int(user.findtext(path, "0")) <= LIMIT
    assert [problem.text for problem in maintenance.check(cloud.location / "var/one.db")] == []


def _use(
    cloud: MortalCloud, network_id: int, seed: float, ending: threading.Event, refusals: list[str]
) -> None:
    """Make VMs, have them deployed and end some, as fast as it goes, until told to stop."""
    chance = random.Random(seed)
    mine: list[int] = []
    while not ending.is_set():
        client = Client(f"http://127.0.0.1:{cloud.port}/RPC2", "alice:secret")
        try:
            while not ending.is_set():
                if mine and chance.random() < 0.4:
                    client.call("one.vm.action", "terminate-hard", mine.pop(chance.randrange(len(mine))))
                else:
                    mine.append(client.integer("one.vm.allocate", TEMPLATE.format(network_id), False))
                    client.call("one.vm.deploy", mine[-1], 0, False, -1, "")
        except AuthorizationError as refused:
            refusals.append(str(refused))
            ending.wait(0.02)
        except OpenNebulaError:  # the daemon is dead, or the VM is busy
            ending.wait(0.05)
        finally:
            client.close()


def _miscounted(cloud: MortalCloud) -> list[str]:
    problems = maintenance.check(cloud.location / "var/one.db")
    return [problem.text for problem in problems if problem.can_be_fixed]
