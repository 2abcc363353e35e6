from __future__ import annotations

from collections.abc import Callable

import pytest

from opennebula_core.cli.up.ending import Ending
from opennebula_core.cli.up.record import Record
from opennebula_core.client import Client
from opennebula_core.client.environment import read_session
from opennebula_core.config import Config
from tests.cli.shell import Shell, wait_until


def test_vms_of_users_stay_and_it_is_said_how_they_come_back(
    cloud: Shell,
    fresh_name: Callable[[str], str],
    control: Callable[[str], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    host = fresh_name("host")
    cloud.make(f"onehost create {host} -i dummy -v dummy")
    wait_until(lambda: cloud.rows(f"onehost list -f NAME={host} -l STAT") == [["on"]])
    first, mine, failed = (
        cloud.make(f"onevm create --name {fresh_name('vm')} --cpu 0.1 --memory 32 --hold") for _ in range(3)
    )
    cloud.ok(f"onevm deploy {first},{mine} {host} --wait")
    control('{"vmm/DEPLOY": {"failure_rate": 1, "message": "no luck"}}')
    cloud.run(f"onevm deploy {failed} {host} --wait")

    endpoint = Config.load(cloud.location).endpoint
    with Client(endpoint, read_session(cloud.location / "one_auth")) as client:
        Ending(client, Record(host=host, vm_id=first)).run()

    said = capsys.readouterr().out
    assert f"Terminating VM {first}" in said
    assert f"start them with: onevm resume {mine}\n" in said
    assert f"VM {failed}" in said
    assert "is BOOT_FAILURE and stays so" in said
    states = dict(cloud.rows("onevm list -l ID,LCM_STATE"))
    assert (states.get(str(first)), states[str(mine)]) == (None, "POWEROFF")
    assert states[str(failed)] == "BOOT_FAILURE"

    cloud.ok(f"onevm terminate {mine} --wait")
    cloud.ok(f"onevm recover --delete {failed}")
    wait_until(lambda: cloud.rows(f"onevm list -f ID={failed}") == [])
    cloud.ok(f"onehost delete {host}")
