from __future__ import annotations

import asyncio
import json

from click.testing import CliRunner, Result

from opennebula_core.testing.cloud import Cloud
from opennebula_metrics.commands import metrics


async def one_metrics(cloud: Cloud, line: str) -> Result:
    """Run ``one metrics ...`` as the administrator, beside the cloud."""
    environment = {
        "ONE_LOCATION": str(cloud.location),
        "ONE_XMLRPC": cloud.endpoint,
        "ONE_AUTH": str(cloud.location / "one_auth"),
    }
    done = await asyncio.to_thread(CliRunner().invoke, metrics, line.split(), env=environment)
    assert done.exit_code == 0, done.output
    return done


async def test_metrics_are_shown_as_a_table_and_as_json(cloud: Cloud) -> None:
    await cloud.add_vm()
    table = (await one_metrics(cloud, "show opennebula_vms")).stdout.split()
    assert table == ["opennebula_vms", "1", "state=HOLD"]
    rows = json.loads((await one_metrics(cloud, "show opennebula_vms --json")).stdout)
    assert rows == [{"name": "opennebula_vms", "labels": {"state": "HOLD"}, "value": 1.0}]


async def test_a_token_is_made_listed_and_deleted(cloud: Cloud) -> None:
    made = await one_metrics(cloud, "token create prometheus")
    assert len(made.stdout.strip()) > 40
    assert "metrics_path: /metrics/cloud" in made.stderr
    listed = (await one_metrics(cloud, "token list --csv --no-header -l ID,USER,NAME")).stdout
    assert listed.split() == ["1,oneadmin,prometheus"]
    await one_metrics(cloud, "token delete 1")
    assert (await one_metrics(cloud, "token list --csv --no-header")).stdout.split() == []
