"""The cloud's objects as values: what a row of the store holds, without the store.

They are mutable because a transaction loads one, changes it and saves it; they never leave a transaction
other than as documents. Times are epoch seconds here, as on the wire; 0 is "not yet".
"""

from __future__ import annotations

from dataclasses import dataclass, field

from opennebula_core.model.states import (
    DatastoreState,
    DatastoreType,
    DiskType,
    HistoryAction,
    HostState,
    ImageState,
    ImageType,
    LcmState,
    NetworkState,
    VmState,
)
from opennebula_core.model.template import Template, Vector


@dataclass(slots=True)
class Lock:
    """Who locked an object and how much; ``level`` 1 use, 2 manage, 3 admin."""

    level: int
    owner_id: int
    time: int
    request_id: int = -1


@dataclass(slots=True)
class PoolObject:
    """What every object in a pool has.

    :param permissions: nine bits as in ``chmod``: owner, group, other; use 4, manage 2, admin 1
    """

    id: int
    name: str
    uid: int = 0
    gid: int = 0
    uname: str = ""
    gname: str = ""
    permissions: int = 0o600
    lock: Lock | None = None
    template: Template = field(default_factory=Template)


@dataclass(slots=True)
class HistoryRecord:
    """One stay of a VM on a host. Source of the fields: OpenNebula's HISTORY element."""

    vm_id: int
    seq: int
    host_id: int
    hostname: str
    cluster_id: int
    vm_mad: str
    tm_mad: str
    datastore_id: int
    stime: int = 0
    etime: int = 0
    prolog_stime: int = 0
    prolog_etime: int = 0
    running_stime: int = 0
    running_etime: int = 0
    epilog_stime: int = 0
    epilog_etime: int = 0
    action: HistoryAction = HistoryAction.NONE
    uid: int = -1
    gid: int = -1
    request_id: int = -1


@dataclass(slots=True)
class Vm(PoolObject):
    """A virtual machine. ``template`` is what the core understands, ``user_template`` everything else."""

    state: VmState = VmState.PENDING
    lcm_state: LcmState = LcmState.LCM_INIT
    prev_state: VmState = VmState.PENDING
    prev_lcm_state: LcmState = LcmState.LCM_INIT
    resched: bool = False
    stime: int = 0
    etime: int = 0
    deploy_id: str = ""
    user_template: Template = field(default_factory=Template)
    history: list[HistoryRecord] = field(default_factory=list)

    @property
    def last_record(self) -> HistoryRecord | None:
        """The newest history record, None before the first deploy."""
        return self.history[-1] if self.history else None

    @property
    def cpu_percent(self) -> int:
        """Capacity asked for, 100 is a core."""
        return round(float(self.template.get("CPU", "0") or 0) * 100)

    @property
    def memory_mib(self) -> int:
        """Memory asked for."""
        return int(float(self.template.get("MEMORY", "0") or 0))


@dataclass(slots=True)
class Host(PoolObject):
    """A virtualisation host. CPU in percent (100 is a core), memory in KiB, disk in MiB.

    ``template`` holds what users set and what probes report; ``total_*`` come from monitoring,
    ``*_usage`` are sums of what VMs ask for.
    """

    state: HostState = HostState.INIT
    prev_state: HostState = HostState.INIT
    im_mad: str = ""
    vm_mad: str = ""
    cluster_id: int = 0
    cluster: str = "default"
    total_cpu: int = 0
    total_mem: int = 0
    max_cpu: int = 0
    max_mem: int = 0
    cpu_usage: int = 0
    mem_usage: int = 0
    disk_usage: int = 0
    running_vms: int = 0
    last_monitored: int = 0


@dataclass(slots=True)
class Cluster(PoolObject):
    """A group of hosts, datastores and networks that belong together."""


@dataclass(slots=True)
class Datastore(PoolObject):
    """A place for images (IMAGE_DS, FILE_DS) or for disks of VMs (SYSTEM_DS). Room in MiB."""

    type: DatastoreType = DatastoreType.IMAGE_DS
    disk_type: DiskType = DiskType.FILE
    state: DatastoreState = DatastoreState.READY
    ds_mad: str = ""
    tm_mad: str = ""
    base_path: str = ""
    total_mb: int = 0
    free_mb: int = 0
    used_mb: int = 0
    cluster_ids: list[int] = field(default_factory=lambda: [0])


@dataclass(slots=True)
class Image(PoolObject):
    """A disk image in a datastore. Sizes in MiB.

    :param snapshots: those that lie beside it in the datastore, as :class:`.Snapshots` reads them
    :param snapshots_mb: what its snapshots take; while a VM uses a persistent image, those of the VM's disk
    :param snapshot_action: what a driver does with a snapshot while the image is LOCKED, empty for other work
    :param target_snapshot: which snapshot that is about
    """

    type: ImageType = ImageType.OS
    disk_type: DiskType = DiskType.FILE
    persistent: bool = False
    regtime: int = 0
    source: str = ""
    path: str = ""
    format: str = ""
    fs: str = ""
    size_mb: int = 0
    state: ImageState = ImageState.LOCKED
    prev_state: ImageState = ImageState.LOCKED
    running_vms: int = 0
    cloning_ops: int = 0
    cloning_id: int = -1
    datastore_id: int = -1
    datastore: str = ""
    snapshots: Template = field(default_factory=Template)
    snapshots_mb: int = 0
    snapshot_action: str = ""
    target_snapshot: int = -1


FIRST_RESERVATION = -2
"""The holder of what network 0 has reserved; network 1 is one less, and so on."""


@dataclass(slots=True)
class Lease:
    """One address of a range that somebody holds.

    :param index: position in the range, from 0
    :param vm_id: the holder; -1 for an address that is held by hand, less for one that is reserved
    """

    index: int
    vm_id: int

    @property
    def reservation_id(self) -> int:
        """The network that has reserved the address, -1 when none has."""
        return FIRST_RESERVATION - self.vm_id if self.vm_id <= FIRST_RESERVATION else -1


@dataclass(slots=True)
class AddressRange:
    """A run of addresses.

    :param type: IP4, IP6, IP6_STATIC, IP4_6, IP4_6_STATIC or ETHER
    :param attributes: free attributes, such as another GATEWAY; and IP6, PREFIX_LENGTH of a static range
    """

    id: int
    type: str
    size: int
    mac: str
    ip: str = ""
    global_prefix: str = ""
    ula_prefix: str = ""
    attributes: Vector = field(default_factory=Vector)
    used_leases: int = 0
    leases: list[Lease] = field(default_factory=list)

    @property
    def static_ip6(self) -> str:
        """The first of its IPv6 addresses where these are counted on from, else empty."""
        return self.attributes.get("IP6", "") if self.type.endswith("_STATIC") else ""


@dataclass(slots=True)
class Network(PoolObject):
    """A virtual network; its leases live in a table of their own."""

    bridge: str = ""
    bridge_type: str = ""
    state: NetworkState = NetworkState.READY
    prev_state: NetworkState = NetworkState.READY
    parent_id: int = -1
    vn_mad: str = ""
    phydev: str = ""
    vlan_id: str = ""
    outer_vlan_id: str = ""
    vlan_id_automatic: bool = False
    outer_vlan_id_automatic: bool = False
    used_leases: int = 0
    cluster_ids: list[int] = field(default_factory=lambda: [0])
    ranges: list[AddressRange] = field(default_factory=list)


@dataclass(slots=True)
class VmTemplate(PoolObject):
    """A template from which VMs are instantiated."""

    regtime: int = 0


@dataclass(slots=True)
class NetworkTemplate(PoolObject):
    """A template from which virtual networks are instantiated."""

    regtime: int = 0


@dataclass(slots=True)
class SecurityGroup(PoolObject):
    """A set of firewall rules (RULE vectors in its template)."""


@dataclass(slots=True)
class User(PoolObject):
    """Somebody who may call. ``gid`` is the primary group; ``group_ids`` holds it too.

    :param password: as stored (a hash, or what the auth driver keeps)
    """

    password: str = ""
    auth_driver: str = "core"
    enabled: bool = True
    group_ids: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Group(PoolObject):
    """A group of users."""

    user_ids: list[int] = field(default_factory=list)
    admin_ids: list[int] = field(default_factory=list)


@dataclass(slots=True)
class VmGroup(PoolObject):
    """VMs that are placed with regard to each other; ``template`` says how the roles stand to each other.

    :param roles: ROLE vectors with ID, NAME and what the role says about its own VMs and about hosts
    :param members: the VMs of each role, by the role's id
    """

    roles: Template = field(default_factory=Template)
    members: dict[int, list[int]] = field(default_factory=dict)


OWN_ZONE = 0
"""The id of this front-end's zone, the only one."""

ALL_RESOURCES = -10
"""The id that stands for all resources of a kind in a VDC. Source: OpenNebula 6.10, Vdc."""


@dataclass(frozen=True, slots=True, order=True)
class VdcResource:
    """What the groups of a VDC may use.

    :param kind: CLUSTER, HOST, DATASTORE or NET
    :param resource_id: its id, or :data:`ALL_RESOURCES`
    """

    kind: str
    zone_id: int
    resource_id: int


@dataclass(slots=True)
class Vdc(PoolObject):
    """A virtual data centre: groups, and the resources that their members may use."""

    group_ids: list[int] = field(default_factory=list)
    resources: list[VdcResource] = field(default_factory=list)


@dataclass(slots=True)
class Hook(PoolObject):
    """A command that the core runs on an event.

    :param type: ``api`` or ``state``
    :param call: the method that it is about; empty for a hook on states
    :param resource: VM, HOST, IMAGE or NET; empty for a hook on calls
    :param state: as events name it: ``MONITORED``, or STATE and LCM_STATE of VMs
    """

    type: str = ""
    call: str = ""
    resource: str = ""
    state: str = ""


@dataclass(slots=True)
class AclRule:
    """An access rule with OpenNebula's bits (``templates-and-expressions``, ACL section of the API)."""

    id: int
    user: int
    resource: int
    rights: int
    zone: int
