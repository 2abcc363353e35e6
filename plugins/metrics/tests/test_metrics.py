from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from opennebula_core.errors import ActionError, AuthorizationError, NotFoundError, ParameterError
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.testing.cloud import Cloud, running_cloud
from opennebula_metrics.scraping import PATH
from opennebula_metrics.tokens import MAX_PER_USER

pytestmark = pytest.mark.asyncio(loop_scope="module")

TENANT = "tess:secret"


@dataclass(frozen=True)
class Scene:
    """A cloud with a host, a running VM of the administrator's, and a waiting one of a tenant's."""

    cloud: Cloud
    running: int
    waiting: int

    async def figures(self, session: str = "oneadmin:secret") -> list[Sample]:
        text = str(await self.cloud.call("one.metrics.show", session=session))
        return [found for family in text_string_to_metric_families(text) for found in family.samples]

    async def figure(self, metric: str, session: str = "oneadmin:secret", /, **labels: str) -> float:
        found = [
            sample.value
            for sample in await self.figures(session)
            if sample.name == metric and labels.items() <= sample.labels.items()
        ]
        assert len(found) == 1, (metric, labels, found)
        return float(found[0])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with running_cloud(tmp_path_factory.mktemp("metrics")) as cloud:
        host_id = await cloud.add_host("host01")
        running = await cloud.run_vm(host_id, 'NAME="web"')
        await cloud.new("one.user.allocate", "tess", "secret", "", [])
        waiting = await cloud.add_vm('NAME="wait für x=1, y"', session=TENANT)
        await cloud.add_network("net", size=9)
        yield Scene(cloud, running, waiting)


async def test_vms_are_counted_by_state_and_described(scene: Scene) -> None:
    assert await scene.figure("opennebula_vms", state="RUNNING") == 1
    assert await scene.figure("opennebula_vms", state="HOLD") == 1
    web = str(scene.running)
    described = await scene.figure(
        "opennebula_vm_info", vm=web, name="web", user="oneadmin", host="host01", state="RUNNING"
    )
    assert described == 1
    assert await scene.figure("opennebula_vm_cpu_asked_cores", vm=web) == 0.5
    assert await scene.figure("opennebula_vm_memory_asked_bytes", vm=web) == 64 << 20


async def test_odd_names_come_through(scene: Scene) -> None:
    labels = [found.labels for found in await scene.figures() if found.name == "opennebula_vm_info"]
    assert "wait für x=1, y" in {found["name"] for found in labels}


async def test_what_a_guest_uses_is_in_base_units(scene: Scene) -> None:
    web = str(scene.running)

    async def is_there() -> bool:
        return any(found.name == "opennebula_vm_cpu_used_cores" for found in await scene.figures())

    await scene.cloud.until(is_there, "figures of the guest")
    document = await scene.cloud.document("one.vm.info", scene.running)
    cpu_percent = float(document.findtext("MONITORING/CPU", "nan"))
    memory_kib = float(document.findtext("MONITORING/MEMORY", "nan"))
    assert await scene.figure("opennebula_vm_cpu_used_cores", vm=web) == pytest.approx(cpu_percent / 100)
    assert await scene.figure("opennebula_vm_memory_used_bytes", vm=web) == pytest.approx(memory_kib * 1024)


async def test_hosts_show_what_is_there_and_what_is_given(scene: Scene) -> None:
    host = scene.cloud.host(0)
    assert await scene.figure("opennebula_hosts", state="MONITORED") == 1
    assert await scene.figure("opennebula_host_cpu_cores", host="host01") == host.total_cpu / 100
    assert await scene.figure("opennebula_host_cpu_given_cores", host="host01") == 0.5
    assert await scene.figure("opennebula_host_memory_bytes", host="host01") == host.total_mem * 1024
    assert await scene.figure("opennebula_host_vms", host="host01") == 1
    assert await scene.figure("opennebula_host_last_monitored_seconds", host="host01") > 0


async def test_networks_show_their_addresses(scene: Scene) -> None:
    assert await scene.figure("opennebula_network_addresses", name="net") == 9
    assert await scene.figure("opennebula_network_used_addresses", name="net") == 0


async def test_a_tenant_sees_his_own_vms_and_no_host(scene: Scene) -> None:
    seen = await scene.figures(TENANT)
    assert [found.labels["vm"] for found in seen if found.name == "opennebula_vm_info"] == [
        str(scene.waiting)
    ]
    assert not [found for found in seen if found.name.startswith("opennebula_host_")]
    assert not [
        found for found in seen if found.name in ("opennebula_users", "opennebula_state_changes_total")
    ]


async def scrape(scene: Scene, token: str = "", **headers: str) -> tuple[int, str, str]:
    def get() -> tuple[int, str, str]:
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(
            scene.cloud.endpoint.removesuffix("/RPC2") + PATH, headers={**bearer, **headers}
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read().decode(), answer.headers["content-type"]
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(), error.headers["content-type"]

    return await asyncio.to_thread(get)


async def test_a_scraper_with_a_token_gets_what_its_user_sees(scene: Scene) -> None:
    for name, session in (("admin's", "oneadmin:secret"), ("tenant's", TENANT)):
        token = str(await scene.cloud.call("one.metrics.tokenallocate", name, session=session))
        status, text, content_type = await scrape(scene, token)
        assert status == 200
        assert content_type.startswith("text/plain; version=")
        shown = str(await scene.cloud.call("one.metrics.show", session=session))
        assert _vms(text) == _vms(shown) != []


def _vms(text: str) -> list[str]:
    """Return what of the metrics stays as it is while figures come in."""
    return [line for line in text.splitlines() if line.startswith("opennebula_vm_info{")]


async def test_who_asks_for_openmetrics_gets_it(scene: Scene) -> None:
    token = str(await scene.cloud.call("one.metrics.tokenallocate", "open"))
    _, text, content_type = await scrape(scene, token, Accept="application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert text.endswith("# EOF\n")


@pytest.mark.parametrize("token", ["", "wrong", "oneadmin:secret"])
async def test_without_a_token_nothing_is_told(scene: Scene, token: str) -> None:
    status, text, _ = await scrape(scene, token)
    assert status == 401
    assert "one metrics token create" in text
    assert "opennebula_vms" not in text


async def test_tokens_end_with_their_deletion_and_with_their_user(scene: Scene) -> None:
    cloud = scene.cloud
    user_id = await cloud.new("one.user.allocate", "brief", "secret", "", [])
    first = str(await cloud.call("one.metrics.tokenallocate", "one", session="brief:secret"))
    second = str(await cloud.call("one.metrics.tokenallocate", "two", session="brief:secret"))
    pool = await cloud.document("one.metrics.tokenpool", session="brief:secret")
    assert [found.findtext("NAME") for found in pool] == ["one", "two"]
    with pytest.raises(AuthorizationError, match="Not authorized to delete metrics token"):
        await cloud.call("one.metrics.tokendelete", int(pool[0].findtext("ID", "")), session=TENANT)
    await cloud.call("one.metrics.tokendelete", int(pool[0].findtext("ID", "")), session="brief:secret")
    assert (await scrape(scene, first))[0] == 401
    assert (await scrape(scene, second))[0] == 200
    await cloud.call("one.user.delete", user_id)
    assert (await scrape(scene, second))[0] == 401


async def test_bad_tokens_are_refused_with_the_reason(scene: Scene) -> None:
    cloud = scene.cloud
    await cloud.new("one.user.allocate", "many", "secret", "", [])
    for number in range(MAX_PER_USER):
        await cloud.call("one.metrics.tokenallocate", f"t{number}", session="many:secret")
    with pytest.raises(ActionError, match=f"may have {MAX_PER_USER}"):
        await cloud.call("one.metrics.tokenallocate", "more", session="many:secret")
    await cloud.call("one.metrics.tokenallocate", "twice")
    with pytest.raises(ActionError, match="'twice' is taken"):
        await cloud.call("one.metrics.tokenallocate", "twice")
    for name in ("", "x" * 200, "two\nlines"):
        with pytest.raises(ParameterError, match="printable"):
            await cloud.call("one.metrics.tokenallocate", name)
    with pytest.raises(NotFoundError, match=r"\[4711\]"):
        await cloud.call("one.metrics.tokendelete", 4711)


async def test_no_token_is_kept_as_it_is(scene: Scene) -> None:
    token = str(await scene.cloud.call("one.metrics.tokenallocate", "hidden"))
    kept = scene.cloud.daemon.store.read(lambda tx: tx.query("SELECT * FROM metrics_token"))
    assert token not in str([tuple(row) for row in kept])


async def test_counts_of_states_outlive_the_core(tmp_path: Path) -> None:
    async with running_cloud(tmp_path) as cloud:
        vm_id = await cloud.run_vm(await cloud.add_host("h"))
        await cloud.act("poweroff-hard", vm_id)
        await cloud.settle(vm_id, VmState.POWEROFF)
    async with running_cloud(tmp_path) as cloud:
        scene = Scene(cloud, vm_id, vm_id)
        assert await scene.figure("opennebula_state_changes_total", kind="vm", state="RUNNING") == 1
        assert await scene.figure("opennebula_state_changes_total", kind="vm", state="POWEROFF") == 1
        await cloud.act("resume", vm_id)
        await cloud.settle(vm_id, LcmState.RUNNING)
    async with running_cloud(tmp_path) as cloud:
        scene = Scene(cloud, vm_id, vm_id)
        assert await scene.figure("opennebula_state_changes_total", kind="vm", state="RUNNING") == 2
