"""A cloud with an object of each kind in each state, and a reader of its documents that trusts nothing."""

from __future__ import annotations

import asyncio
from functools import reduce
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pyone

from opennebula_core.model.states import ImageState, LcmState, VmState
from opennebula_core.testing.cloud import ADMIN, Cloud
from tests.documents.schemas import check_document, check_pool

POOLS = {
    "VM_POOL": "VM",
    "HOST_POOL": "HOST",
    "VNET_POOL": "VNET",
    "IMAGE_POOL": "IMAGE",
    "DATASTORE_POOL": "DATASTORE",
    "CLUSTER_POOL": "CLUSTER",
    "VMTEMPLATE_POOL": "VMTEMPLATE",
    "VDC_POOL": "VDC",
    "VM_GROUP_POOL": "VM_GROUP",
    "VNTEMPLATE_POOL": "VNTEMPLATE",
    "SECURITY_GROUP_POOL": "SECURITY_GROUP",
    "HOOK_POOL": "HOOK",
    "ZONE_POOL": "ZONE",
}
NAME = "vm é (1) [2] %s"
QUOTE, ESCAPED = '"', '\\"'
NASTY = "<&>\"' ]] é\U0001f600"


class Reader:
    """Fetches documents, holds them against their schemas, and has pyone read them, too."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.one = pyone.OneServer(cloud.endpoint, session=ADMIN)

    async def text(self, method: str, *params: object) -> str:
        """Return a document as it is sent."""
        return str(await self._cloud.call(method, *params))

    async def pyone(self, method: str, *params: object) -> Any:
        """Return what pyone makes of an answer, over HTTP."""
        function = reduce(getattr, method.split(".")[1:], self.one)
        return await asyncio.to_thread(function, *params)

    async def document(self, method: str, *params: object, schema: str = "") -> tuple[Element, Any]:
        """Return a document as an element and as pyone's object."""
        element = fromstring(await self.text(method, *params))
        check_document(element, schema)
        return element, await self.pyone(method, *params)

    async def pool(self, method: str, *params: object, schema: str = "") -> tuple[Element, Any]:
        """Return a pool of whole documents as an element and as pyone's object."""
        element = fromstring(await self.text(method, *params))
        check_pool(element, element.tag, schema or POOLS[element.tag])
        return element, await self.pyone(method, *params)


async def each_state(cloud: Cloud) -> dict[str, int]:
    """Make VMs with disks, NICs, context and graphics, and bring each to a state; return them by its name."""
    host_id, other = await cloud.add_host("h1"), await cloud.add_host("h2")
    image_id, network_id = await cloud.add_image("img"), await cloud.add_network("net")
    lasting = await cloud.add_image("lasting", "SIZE=8\nPERSISTENT=YES")
    disks = f"DISK=[IMAGE_ID={image_id}]\nDISK=[TYPE=fs,SIZE=16,FORMAT=raw]\n"
    content = (
        f"{disks}NIC=[NETWORK_ID={network_id}]\n"
        'CONTEXT=[NETWORK=YES,EMPTY=""]\nGRAPHICS=[TYPE=VNC,LISTEN=0.0.0.0]\nVCPU=1\n'
        'LABELS=a\nSCHED_REQUIREMENTS="CPUSPEED > 1000"\nEMPTY=""\nSAME=1\nSAME=2\n'
        f'DESCRIPTION="{NASTY.replace(QUOTE, ESCAPED)}"\n'
    )
    template_id = await cloud.new("one.template.allocate", f"NAME=t\nCPU=0.1\nMEMORY=16\n{content}")

    async def run(extra: str = "") -> int:
        vm_id = await cloud.new("one.template.instantiate", template_id, NAME, True, extra, False)
        await cloud.call("one.vm.deploy", vm_id, host_id)
        await cloud.settle(vm_id, LcmState.RUNNING)
        return vm_id

    vms = {
        "held": await cloud.add_vm(content),
        "pending": await cloud.add_vm(content, hold=False),
        "bare": await cloud.new("one.vm.allocate", "CPU=1\nMEMORY=1\n", True),
        "running": await run(f"{disks}DISK=[IMAGE_ID={lasting}]\n"),
        "moved": await run(),
        "locked": await run(),
    }
    for action, state in (
        ("poweroff", VmState.POWEROFF),
        ("suspend", VmState.SUSPENDED),
        ("stop", VmState.STOPPED),
        ("undeploy", VmState.UNDEPLOYED),
        ("terminate", VmState.DONE),
    ):
        vms[action] = await run()
        await cloud.act(action, vms[action])
        await cloud.settle(vms[action], state)
    await cloud.call("one.vm.migrate", vms["moved"], other, True, False, -1, 0)
    await cloud.settle(vms["moved"], LcmState.RUNNING)
    await cloud.call("one.vm.lock", vms["locked"], 4, False)
    await _change(cloud, vms["running"], image_id, network_id)
    vms |= await _stuck(cloud, content, host_id)
    await _measured(cloud, vms["running"])
    return vms


async def _stuck(cloud: Cloud, content: str, host_id: int) -> dict[str, int]:
    """Make VMs whose drivers fail or hang; return them by the action, or the state."""
    vms: dict[str, int] = {}
    for action, failure in (("tm/CLONE", LcmState.PROLOG_FAILURE), ("vmm/DEPLOY", LcmState.BOOT_FAILURE)):
        cloud.behave({action: {"failure_rate": 1, "message": NASTY}})
        vms[action] = await cloud.add_vm(content)
        await cloud.call("one.vm.deploy", vms[action], host_id)
        await cloud.settle(vms[action], failure)
    cloud.behave({"tm/CLONE": {"hang": True}})
    vms["prolog"] = await cloud.add_vm(content)
    await cloud.call("one.vm.deploy", vms["prolog"], host_id)
    await cloud.settle(vms["prolog"], LcmState.PROLOG)
    return vms


async def _change(cloud: Cloud, vm_id: int, image_id: int, network_id: int) -> None:
    for word, text in (
        ("attach", f"DISK=[IMAGE_ID={image_id}]"),
        ("attachnic", f"NIC=[NETWORK_ID={network_id}]"),
    ):
        await cloud.call(f"one.vm.{word}", vm_id, text)
        await cloud.settle(vm_id, LcmState.RUNNING)
    for text in ("ACTION=suspend,TIME=+86400", f'ACTION="poweroff",TIME={int(cloud.clock()) + 9999}'):
        await cloud.call("one.vm.schedadd", vm_id, f"SCHED_ACTION=[{text}]")


async def _measured(cloud: Cloud, vm_id: int) -> None:
    async def has_figures() -> bool:
        vm = await cloud.document("one.vm.info", vm_id)
        series = await cloud.document("one.vm.monitoring", vm_id)
        return vm.find("MONITORING/NETRX") is not None and len(series) > 0

    await cloud.until(has_figures, f"figures of VM {vm_id}")


async def images_in_each_state(cloud: Cloud) -> dict[str, int]:
    """Bring images to READY, DISABLED, ERROR, LOCKED, CLONE and DELETE; return them by the state's name."""
    ready = await cloud.add_image("ready", 'SIZE=8\nDESCRIPTION="a & b"')
    disabled = await cloud.add_image("disabled")
    await cloud.call("one.image.enable", disabled, False)
    await cloud.call("one.image.lock", ready, 1, False)
    being_removed = await cloud.add_image("being-removed")
    copied = await cloud.add_image("copied")
    cloud.behave({"datastore/CP": {"failure_rate": 1}})
    failed = await cloud.new("one.image.allocate", "NAME=failed\nPATH=/x\n", cloud.datastore_id)
    await cloud.until(lambda: cloud.image(failed).state is ImageState.ERROR, "an image in ERROR")
    cloud.behave({f"datastore/{action}": {"hang": True} for action in ("CP", "CLONE", "RM")})
    locked = await cloud.new("one.image.allocate", "NAME=locked\nPATH=/x\n", cloud.datastore_id)
    await cloud.new("one.image.clone", copied, "copy", -1)
    await cloud.call("one.image.delete", being_removed, False)
    return {
        "READY": ready,
        "DISABLED": disabled,
        "ERROR": failed,
        "LOCKED": locked,
        "CLONE": copied,
        "DELETE": being_removed,
    }
