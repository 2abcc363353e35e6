"""The kinds of objects, as the API names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from opennebula_core.client import Client

EVERYTHING_USABLE: Final = -2
"""The filter flag of everything that the caller may use."""

NOT_DONE, ANY_STATE = -1, -2
"""The state filter of the VM pool."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object.

    :param title: in messages, such as ``VM``
    :param prefix: of its methods, such as ``one.vm``
    :param pool: the method that lists it
    :param element: of one object's document, such as ``VMTEMPLATE``
    :param filters: parameters behind the filter flag; None when the pool takes none at all
    """

    title: str
    prefix: str
    pool: str
    element: str
    filters: tuple[object, ...] | None = (-1, -1)

    @property
    def word(self) -> str:
        """How an argument that is one such object is shown in the help."""
        return self.title.upper().replace(" ", "_")

    def info(self, client: Client, object_id: int, *further: bool) -> Element:
        """Return the document of one object.

        :param further: what its method takes behind the id, such as whether to decrypt
        """
        return client.element(f"{self.prefix}.info", object_id, *further)

    def list(
        self, client: Client, flag: int = EVERYTHING_USABLE, filters: tuple[object, ...] | None = None
    ) -> Element:
        """Return the pool's document.

        :param filters: other ones than the kind's own, such as another state of VMs
        """
        if self.filters is None:
            return client.element(self.pool)
        return client.element(self.pool, flag, *(self.filters if filters is None else filters))


VM: Final = Kind("VM", "one.vm", "one.vmpool.info", "VM", (-1, -1, NOT_DONE, ""))
HOST: Final = Kind("host", "one.host", "one.hostpool.info", "HOST", None)
NETWORK: Final = Kind("network", "one.vn", "one.vnpool.info", "VNET")
IMAGE: Final = Kind("image", "one.image", "one.imagepool.info", "IMAGE")
TEMPLATE: Final = Kind("template", "one.template", "one.templatepool.info", "VMTEMPLATE")
DATASTORE: Final = Kind("datastore", "one.datastore", "one.datastorepool.info", "DATASTORE", None)
CLUSTER: Final = Kind("cluster", "one.cluster", "one.clusterpool.info", "CLUSTER", None)
USER: Final = Kind("user", "one.user", "one.userpool.info", "USER", None)
HOOK: Final = Kind("hook", "one.hook", "one.hookpool.info", "HOOK")
SECURITY_GROUP: Final = Kind("security group", "one.secgroup", "one.secgrouppool.info", "SECURITY_GROUP")
NETWORK_TEMPLATE: Final = Kind("network template", "one.vntemplate", "one.vntemplatepool.info", "VNTEMPLATE")
VM_GROUP: Final = Kind("VM group", "one.vmgroup", "one.vmgrouppool.info", "VM_GROUP")
VDC: Final = Kind("VDC", "one.vdc", "one.vdcpool.info", "VDC", None)
ZONE: Final = Kind("zone", "one.zone", "one.zonepool.info", "ZONE", None)
GROUP: Final = Kind("group", "one.group", "one.grouppool.info", "GROUP", None)
