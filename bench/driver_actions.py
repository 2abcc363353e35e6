"""Driver actions per second through one driver process: the core's side, the pipe, and the dummy driver.

Run ``python bench/driver_actions.py [ACTIONS] [IN_FLIGHT]``. Target: 2,000 actions/s.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from opennebula_core.config import Config, Location
from opennebula_core.wire.pool import DriverPool
from opennebula_core.wire.requests import VmmRequest

TARGET_PER_S = 2000
HOSTS = 50


def vm_document(vm_id: int) -> str:
    """Return a VM document of common size: one disk, one NIC, a context."""
    context = "".join(
        f"<ETH0_{name}><![CDATA[]]></ETH0_{name}>" for name in ("DNS", "GATEWAY", "MASK", "MTU")
    )
    return (
        f"<VM><ID>{vm_id}</ID><UID>0</UID><GID>0</GID><UNAME>oneadmin</UNAME><GNAME>oneadmin</GNAME>"
        f"<NAME>web {vm_id}</NAME><STATE>3</STATE><LCM_STATE>2</LCM_STATE><DEPLOY_ID></DEPLOY_ID><TEMPLATE>"
        f"<CONTEXT><DISK_ID><![CDATA[1]]></DISK_ID>{context}<NETWORK><![CDATA[YES]]></NETWORK></CONTEXT>"
        f"<CPU><![CDATA[0.5]]></CPU><DISK><DISK_ID><![CDATA[0]]></DISK_ID><FORMAT><![CDATA[raw]]></FORMAT>"
        f"<IMAGE_ID><![CDATA[0]]></IMAGE_ID><SIZE><![CDATA[64]]></SIZE><TARGET><![CDATA[vda]]></TARGET>"
        f"<TM_MAD><![CDATA[dummy]]></TM_MAD><TYPE><![CDATA[FILE]]></TYPE></DISK><MEMORY><![CDATA[128]]></MEMORY>"
        f"<NIC><BRIDGE><![CDATA[br0]]></BRIDGE><IP><![CDATA[10.0.0.2]]></IP>"
        f"<MAC><![CDATA[02:00:0a:00:00:02]]></MAC><NETWORK_ID><![CDATA[0]]></NETWORK_ID>"
        f"<NIC_ID><![CDATA[0]]></NIC_ID><VN_MAD><![CDATA[dummy]]></VN_MAD></NIC><VMID><![CDATA[{vm_id}]]></VMID>"
        f"</TEMPLATE><USER_TEMPLATE/><HISTORY_RECORDS><HISTORY><HOSTNAME>host01</HOSTNAME><HID>1</HID>"
        f"<DS_ID>0</DS_ID><VM_MAD>dummy</VM_MAD></HISTORY></HISTORY_RECORDS></VM>"
    )


def requests(action: str, count: int, description: Path) -> Iterator[VmmRequest]:
    """Return requests for as many VMs, spread over hosts."""
    for vm_id in range(count):
        yield VmmRequest(
            action,
            vm_id,
            f"host{vm_id % HOSTS:02}",
            vm_document(vm_id),
            deploy_id=f"one-{vm_id}",
            local_deployment_file=str(description) if action == "DEPLOY" else "",
            tm_command=f"CONTEXT dummy {description} host01:/srv/0/{vm_id}/disk.1 {vm_id} 0\n"
            if action == "DEPLOY"
            else "",
        )


async def measure(pool: DriverPool, work: Iterator[VmmRequest], in_flight: int) -> int:
    """Send all requests, so many at a time; return how many failed."""
    failures = 0

    async def client() -> None:
        nonlocal failures
        for request in work:
            reply = await pool.request("vmm", "dummy", request)
            failures += not reply.success

    await asyncio.gather(*(client() for _ in range(in_flight)))
    return failures


async def run(location: Location, count: int, in_flight: int) -> None:
    """Deploy, poll and cancel as many guests and print the figures."""
    location.create()
    description = location.var / "deployment.0"
    description.write_text("<domain/>")
    pool = DriverPool(Config(location))
    await measure(pool, requests("POLL", 1, description), 1)
    print(f"driver actions through one process, {count} each, {in_flight} in flight")
    print(f"  target   {TARGET_PER_S:8}/s")
    for action in ("DEPLOY", "POLL", "CANCEL"):
        core_s = time.process_time()
        started = time.perf_counter()
        failures = await measure(pool, requests(action, count, description), in_flight)
        elapsed_s = time.perf_counter() - started
        core_us = (time.process_time() - core_s) / count * 1e6
        print(f"  {action:8} {count / elapsed_s:8.0f}/s   core {core_us:5.0f} µs each   {failures} failed")
    await pool.stop()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    driver_us = (children.ru_utime + children.ru_stime) / (3 * count) * 1e6
    print(f"  driver   {driver_us:8.0f} µs each, {children.ru_maxrss // 1024} MiB")


def main() -> None:
    """Measure in a folder that is removed afterwards."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    in_flight = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Location.at(folder), count, in_flight))


if __name__ == "__main__":
    main()
